import type { Formats } from "@wellapi/ui/browser/formats";
import { usePlace } from "../context.ts";
import type { Words } from "../words/en.ts";
import type { Kind } from "./kinds.ts";
import type { SourceLines } from "./lines.ts";
import type { Period } from "./period.ts";
import { heldOf, summaryOf, totalOf } from "./summary.ts";

const minuteMs = 60_000;

/** A number with its unit, as a reader says it. Minutes of sleep are told as hours. */
export function amountText(
  { data }: Words,
  formats: Formats,
  options: { readonly value: number; readonly unit: string; readonly digits: number },
): string {
  const { value, unit, digits } = options;
  if (unit === "min") return durationText(data, formats, value * minuteMs);
  const name = unitName(data, unit);
  const number = formats.number(value, digits);
  return name === "" ? number : `${number} ${name}`;
}

/** What people call a UCUM unit. */
export function unitName({ units }: Words["data"], unit: string): string {
  return units[unit] ?? unit;
}

export function durationText(data: Words["data"], formats: Formats, ms: number): string {
  const minutes = Math.round(ms / minuteMs);
  if (minutes < 60) return data.minutes(formats.number(minutes));
  return data.hours(formats.number(Math.floor(minutes / 60)), formats.number(minutes % 60));
}

/** What the chart shows, in one sentence. */
export function useSummary(kind: Kind, period: Period, { lines, unit }: SourceLines): string {
  const { words, formats } = usePlace();
  const { data } = words;
  const { digits } = kind;
  const points = lines[0]?.points ?? [];
  const text = (value: number) => amountText(words, formats, { value, unit, digits });
  if (kind.chart === "stages") {
    const stages = heldOf(points).map(
      ([code, ms]) => `${data.stages[code] ?? code} ${durationText(data, formats, ms)}`,
    );
    return stages.length === 0 ? data.noneInPeriod : data.stagesText(formats.list(stages));
  }
  if (kind.chart === "sum") {
    const total = totalOf(points);
    const per = { day: data.per.hour, week: data.per.day, month: data.per.day, year: data.per.month }[
      period.kind
    ];
    return total === undefined ? data.noneInPeriod : data.totalText(text(total.total), text(total.mean), per);
  }
  if (kind.chart === "pressure") {
    const [upper, lower] = ["8480-6", "8462-4"].map((code) =>
      summaryOf(lines.find(({ component }) => component === code)?.points ?? []),
    );
    if (upper === undefined || lower === undefined) return data.noneInPeriod;
    return data.pressureText(formats.number(upper.mean), text(lower.mean));
  }
  const summary = summaryOf(points);
  if (summary === undefined) return data.noneInPeriod;
  return data.rangeText(
    formats.number(summary.low, digits),
    text(summary.high),
    formats.number(summary.mean, digits),
  );
}
