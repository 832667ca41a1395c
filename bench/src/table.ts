import Table from "cli-table3";
import type { Result } from "./result.ts";

const numbers = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** A number as people read it: four significant digits, thousands apart. */
export function shown(value: number | null): string {
  return value === null ? "–" : numbers.format(value);
}

/** One row a result, for the terminal. */
export function resultTable(results: readonly Result[]): string {
  const head = ["line", "value", "unit", "bound", "ratio", "spread", "goal", "met"];
  const rows = results.map((result) => [
    result.id,
    shown(result.value),
    result.unit,
    shown(result.bound),
    result.ratio === null ? "–" : result.ratio.toFixed(2),
    `${(result.spread * 100).toFixed(0)} %`,
    result.goal,
    result.met === null ? "–" : result.met ? "yes" : "NO",
  ]);
  const style = { head: [], border: [] };
  const table = new Table({ head, style, colWidths: [26, 12, 18, 12, 8, 9, 46, 6], wordWrap: true });
  table.push(...rows);
  return table.toString();
}
