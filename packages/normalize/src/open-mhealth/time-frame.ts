import type { Fields } from "../fields.ts";
import { pathOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import type { ResolvedTime } from "../time-zone.ts";

export interface Frame extends ResolvedTime {
  /** 0 for an instant. */
  readonly durationMs: number;
}

const lengths: Readonly<Record<string, number>> = {
  ms: 1,
  sec: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  wk: 604_800_000,
};

/** When the body's measurement was; undefined where it does not say, which is refused. */
export function readTimeFrame(body: Fields, reader: Reader): Frame | undefined {
  const frame = body.object("effective_time_frame");
  const text = frame?.text("date_time");
  const interval = frame?.object("time_interval");
  frame?.close();
  if (frame !== undefined && text !== undefined) {
    const time = reader.time(pathOf(frame, "date_time"), text);
    return time && { ...time, durationMs: 0 };
  }
  if (interval !== undefined) return intervalOf(interval, reader);
  reader.refuse(body.path, "TIME_REQUIRED", "its effective_time_frame is missing");
  return undefined;
}

function intervalOf(interval: Fields, reader: Reader): Frame | undefined {
  const at = (name: string): ResolvedTime | undefined | "missing" => {
    const text = interval.text(name);
    return text === undefined ? "missing" : reader.time(pathOf(interval, name), text);
  };
  const start = at("start_date_time");
  const end = at("end_date_time");
  const durationMs = lengthOf(interval);
  interval.leave("a part of a day is no interval", "date", "part_of_day");
  interval.close();
  if (start === undefined || end === undefined) return undefined;
  const frame = frameOf(start, end, durationMs);
  if (frame !== undefined && Number.isSafeInteger(frame.durationMs) && frame.durationMs > 0) return frame;
  const remedy = "needs a start and a later end, or one of them and a duration in ms, sec, min, h, d or wk";
  reader.refuse(interval.path, "TIME_INVALID", remedy);
  return undefined;
}

function frameOf(
  start: ResolvedTime | "missing",
  end: ResolvedTime | "missing",
  durationMs: number | undefined,
): Frame | undefined {
  if (start !== "missing") {
    if (end !== "missing") return { ...start, durationMs: end.timeMs - start.timeMs };
    return durationMs === undefined ? undefined : { ...start, durationMs };
  }
  if (end === "missing" || durationMs === undefined) return undefined;
  return { timeMs: end.timeMs - durationMs, offsetMinutes: end.offsetMinutes, durationMs };
}

function lengthOf(interval: Fields): number | undefined {
  const duration = interval.object("duration");
  const unit = lengths[duration?.text("unit") ?? ""];
  const value = duration?.digits("value");
  return unit === undefined || value === undefined ? undefined : Number(value) * unit;
}
