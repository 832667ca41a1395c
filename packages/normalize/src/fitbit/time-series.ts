import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Fields } from "../fields.ts";
import { pathOf, quantityOf, type Target } from "../quantity.ts";
import type { Reader } from "../reader.ts";

const MINUTE_MS = 60_000;
/** By `datasetInterval`, in minutes. */
const granularities: Readonly<Record<string, Granularity>> = {
  1: Granularity.MINUTE,
  5: Granularity.MINUTE,
  15: Granularity.QUARTER_HOUR,
};

/** Totals of days, and of one day its minutes: `activities-steps` and `activities-steps-intraday`. */
export function readTimeSeries(root: Fields, name: string, target: Target, reader: Reader): void {
  const dates: string[] = [];
  for (const day of root.objects(name) ?? []) {
    const path = pathOf(day, "value");
    const date = day.text("dateTime");
    const quantity = quantityOf(day, "value", target, reader);
    day.close();
    if (date === undefined) {
      reader.refuse(path, "TIME_REQUIRED", "its dateTime is missing");
      continue;
    }
    dates.push(date);
    const whole = reader.day(pathOf(day, "dateTime"), date);
    if (quantity === undefined || whole === undefined) continue;
    reader.point({
      path,
      value: { kind: "quantity", ...quantity },
      ...whole,
      granularity: Granularity.DAY,
      method: CaptureMethod.SENSED,
    });
  }
  const intraday = root.object(`${name}-intraday`);
  if (intraday === undefined) return;
  const [date = reader.date] = dates;
  if (dates.length > 1 || date === "") {
    reader.refuse(
      intraday.path,
      "DATE_REQUIRED",
      "it does not say which day it is of: send it beside one day's total, or set the request's date",
    );
    return;
  }
  readMinutes(intraday, date, target, reader);
}

function readMinutes(intraday: Fields, date: string, target: Target, reader: Reader): void {
  const interval = intraday.digits("datasetInterval") ?? "1";
  const type = intraday.text("datasetType") ?? "minute";
  const granularity = type === "minute" ? granularities[interval] : undefined;
  if (granularity === undefined) {
    reader.refuse(intraday.path, "INTERVAL_UNKNOWN", "takes datasets of 1, 5 or 15 minutes");
    return;
  }
  let before = Number.NEGATIVE_INFINITY;
  for (const minute of intraday.objects("dataset") ?? []) {
    const path = pathOf(minute, "value");
    const text = minute.text("time");
    const quantity = quantityOf(minute, "value", target, reader);
    minute.leave("Fitbit's own classes of activity have no code here", "level", "mets");
    minute.close();
    if (text === undefined) {
      reader.refuse(path, "TIME_REQUIRED", "its time is missing");
      continue;
    }
    const time = reader.local(pathOf(minute, "time"), `${date}T${text}`, before);
    if (time === undefined || quantity === undefined) continue;
    before = time.timeMs;
    reader.point({
      path,
      value: { kind: "quantity", ...quantity },
      ...time,
      durationMs: Number(interval) * MINUTE_MS,
      granularity,
      method: CaptureMethod.SENSED,
    });
  }
  intraday.close();
}
