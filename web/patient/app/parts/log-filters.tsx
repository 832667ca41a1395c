import { Choice } from "@wellapi/ui/browser/parts/choice";
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
        onChange={(show) => onFilter({ ...filter, show: show as LogFilter["show"] })}
      />
      <Choice
        id="organization"
        label={says.organization}
        value={filter.organization}
        options={[["", says.anyOrganization], ...organizations]}
        onChange={(organization) => onFilter({ ...filter, organization })}
      />
      <Choice
        id="category"
        label={says.category}
        value={filter.category}
        options={[
          ["", says.anyCategory],
          ...categories.map((name) => [name, categoryName(words, name)] as const),
        ]}
        onChange={(category) => onFilter({ ...filter, category })}
      />
      <Choice
        id="period"
        label={says.period}
        value={String(filter.days)}
        options={periods.map((days) => [String(days), says.periods[days] ?? ""])}
        onChange={(days) => onFilter({ ...filter, days: Number(days) })}
      />
    </div>
  );
}
