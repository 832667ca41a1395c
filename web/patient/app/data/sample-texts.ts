import type { SourcedSeries } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Place } from "../context.ts";
import { numbersOf } from "./decimals.ts";
import { amountText, unitName } from "./summary-text.ts";

/** The values of samples, as a reader says them, in their order. For a few of them: each is made into text. */
export function sampleTexts(
  { series }: SourcedSeries,
  { words, formats }: Pick<Place, "words" | "formats">,
): readonly string[] {
  const { data } = words;
  switch (series?.values.case) {
    case "decimals": {
      const { unit } = series;
      const digits = series.values.value.scale;
      return numbersOf(series.values.value).map((value) =>
        amountText(words, formats, { value, unit, digits }),
      );
    }
    case "coded": {
      const { dictionary, indexes } = series.values.value;
      return indexes.map((at) => {
        const { code = "", display = "" } = dictionary[at] ?? {};
        return data.stages[code] ?? (display || code);
      });
    }
    case "components": {
      const columns = series.values.value.components.map(({ decimals, unit }) => ({
        values: decimals ? numbersOf(decimals) : [],
        digits: decimals?.scale ?? 0,
        unit,
      }));
      const unit = unitName(data, columns[0]?.unit ?? "");
      return (columns[0]?.values ?? []).map((_, at) => {
        const parts = columns.map(({ values, digits }) => formats.number(values[at] ?? 0, digits));
        return `${parts.join(" / ")} ${unit}`.trim();
      });
    }
    default:
      return [];
  }
}
