import { CaptureMethod } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { exactDecimal } from "../decimal.ts";
import type { Fields } from "../fields.ts";
import type { Quantity } from "../point.ts";
import { pathOf, quantityOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import { type Session, SLEEP_SESSION, sessionObservation, sleepStage } from "../session.ts";
import { resolveLocalTime } from "../time-zone.ts";
import mapping from "./mapping.json" with { type: "json" };

const stages = new Map(Object.entries(mapping.sleepStages));

/** Logs of sleep, version 1.2: each a night or a nap, with its stages. */
export function readSleep(root: Fields, reader: Reader): void {
  for (const log of root.objects("sleep") ?? []) readLog(log, reader);
  root.known("pagination");
  root.leave("sums of the logs, which are taken themselves", "summary");
}

function readLog(log: Fields, reader: Reader): void {
  const startText = log.text("startTime");
  const durationMs = Number(log.digits("duration") ?? "0");
  const externalId = log.digits("logId") ?? "";
  const asleep = quantityOf(log, "minutesAsleep", { code: mapping.asleep, unit: "min" }, reader);
  // They follow from what is taken.
  log.known("dateOfSleep", "endTime", "timeInBed", "minutesAwake");
  log.leave("a sleep session has no place for it", "isMainSleep", "type", "logType", "infoCode");
  log.leave("a sleep session has no place for it", "minutesAfterWakeup", "minutesToFallAsleep");
  log.leave("Fitbit's own score has no code here", "efficiency");
  const levels = log.object("levels");
  if (levels === undefined) {
    const version = "has no levels: ask for version 1.2 of the sleep log";
    reader.refuse(log.path, "VERSION_UNKNOWN", version);
    return;
  }
  log.close();
  const time = startText === undefined ? undefined : reader.local(pathOf(log, "startTime"), startText);
  if (startText === undefined) reader.refuse(log.path, "TIME_REQUIRED", "its startTime is missing");
  if (!(Number.isSafeInteger(durationMs) && durationMs > 0)) {
    reader.refuse(pathOf(log, "duration"), "DURATION_REQUIRED", "must be milliseconds, 1 or more");
    return;
  }
  const sums = [...(asleep === undefined ? [] : [asleep]), ...minutesByStage(levels)];
  const parts = startText === undefined ? undefined : partsOf(levels, startText, durationMs, reader);
  levels.leave("short wakings that overlap the stages of the same log", "shortData");
  levels.close();
  if (time === undefined || parts === undefined) return;
  const session = { ...time, code: SLEEP_SESSION, durationMs, externalId, sums, parts };
  reader.observation(
    log.path,
    SLEEP_SESSION,
    sessionObservation({ ...session, method: CaptureMethod.SENSED }),
  );
}

function minutesByStage(levels: Fields): Quantity[] {
  const summary = levels.object("summary");
  return Object.entries(mapping.sleepMinutes).flatMap(([name, code]) => {
    const digits = summary?.object(name)?.digits("minutes");
    const decimal = digits === undefined ? "malformed" : exactDecimal(digits);
    return typeof decimal === "string" ? [] : [{ code, unit: "min", decimal }];
  });
}

/**
 * The stages, from the start of the log. Fitbit writes their local times by one clock: a change of the zone's offset during the
 * night does not show in them, so a difference of the written times is a length.
 */
function partsOf(
  levels: Fields,
  startText: string,
  durationMs: number,
  reader: Reader,
): Session["parts"] | undefined {
  const start = written(startText);
  const found: Session["parts"][number][] = [];
  let whole = true;
  const refuse = (part: Fields, reason: string, description: string): void => {
    reader.refuse(part.path, reason, description);
    whole = false;
  };
  for (const part of levels.objects("data") ?? []) {
    const [at, level] = [written(part.text("dateTime") ?? ""), part.text("level") ?? ""];
    const lengthMs = Number(part.digits("seconds") ?? "0") * 1_000;
    part.close();
    const stage = stages.get(level);
    if (stage === undefined) refuse(part, "STAGE_UNKNOWN", "its level is not known here");
    else if (at === undefined || start === undefined || !Number.isSafeInteger(lengthMs) || lengthMs <= 0) {
      refuse(part, "TIME_INVALID", "its dateTime or its seconds are no time and no length");
    } else if (at < start || at - start + lengthMs > durationMs) {
      refuse(part, "SEGMENT_OUTSIDE", "reaches beyond the log");
    } else found.push({ kind: sleepStage(stage), offsetMs: at - start, durationMs: lengthMs });
  }
  return whole ? found.sort((a, b) => a.offsetMs - b.offsetMs) : undefined;
}

/** The written time on a line without changes of offset. */
function written(text: string): number | undefined {
  const time = resolveLocalTime(text, "UTC");
  return typeof time === "string" ? undefined : time.timeMs;
}
