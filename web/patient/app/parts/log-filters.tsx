import { usePlace } from "../context.ts";
import type { LogFilter } from "../log/filter.ts";
import { categoryName } from "../words/names.ts";

const periods = [0, 7, 30, 365];

/** What of the log is shown. `organizations`: id and name. */
export function LogFilters(props: {
  readonly filter: LogFilter;
  readonly organizations: readonly (readonly [id: string, name: string])[];
  onFilter(filter: LogFilter): void;
}) {
  const { words } = usePlace();
  const { filter, organizations, onFilter } = props;
  const says = words.log;
  const categories = Object.keys(words.data.categories).filter((name) => name !== "other");
  return (
    <div class="card filters">
      <Choice
        id="filter"
        label={says.filter}
        value={filter.show}
        options={(["others", "refused", "all"] as const).map((one) => [one, says.filters[one]])}
        onChoice={(show) => onFilter({ ...filter, show: show as LogFilter["show"] })}
      />
      <Choice
        id="organization"
        label={says.organization}
        value={filter.organization}
        options={[["", says.anyOrganization], ...organizations]}
        onChoice={(organization) => onFilter({ ...filter, organization })}
      />
      <Choice
        id="category"
        label={says.category}
        value={filter.category}
        options={[
          ["", says.anyCategory],
          ...categories.map((name) => [name, categoryName(words, name)] as const),
        ]}
        onChoice={(category) => onFilter({ ...filter, category })}
      />
      <Choice
        id="period"
        label={says.period}
        value={String(filter.days)}
        options={periods.map((days) => [String(days), says.periods[days] ?? ""])}
        onChoice={(days) => onFilter({ ...filter, days: Number(days) })}
      />
    </div>
  );
}

function Choice(props: {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  onChoice(value: string): void;
}) {
  const { id, label, value, options, onChoice } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
