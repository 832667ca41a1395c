import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Fields } from "../fields.ts";
import type { Quantity } from "../point.ts";
import { pathOf, quantityOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import { sessionObservation, WORKOUT } from "../session.ts";
import mapping from "./mapping.json" with { type: "json" };

const minutes = "minutes of activity by Fitbit's own classes have no code here";
const parts = "a part of the day's energy, which is taken whole as caloriesOut";

/** The summary of a day, and the activities that were logged on it. */
export function readActivitySummary(root: Fields, reader: Reader): void {
  for (const activity of root.objects("activities") ?? []) readActivity(activity, reader);
  root.leave("a goal is no measurement", "goals");
  const summary = root.object("summary");
  if (summary !== undefined) readDay(summary, reader);
}

function readDay(summary: Fields, reader: Reader): void {
  const { date } = reader;
  const day = date === "" ? undefined : reader.day("summary", date);
  if (date === "") {
    reader.refuse("summary", "DATE_REQUIRED", "it does not say which day it is of: set the request's date");
  }
  const add = (path: string, quantity: Quantity | undefined): void => {
    if (quantity === undefined || day === undefined) return;
    const value = { kind: "quantity" as const, ...quantity };
    reader.point({ path, value, ...day, granularity: Granularity.DAY, method: CaptureMethod.SENSED });
  };
  for (const [name, target] of Object.entries(mapping.summary)) {
    add(pathOf(summary, name), quantityOf(summary, name, target, reader));
  }
  for (const distance of summary.objects("distances") ?? []) {
    if (distance.text("activity") === "total") {
      add(pathOf(distance, "distance"), quantityOf(distance, "distance", mapping.distance, reader));
    } else distance.leave("a part of the day's distance, which is taken whole as total", "distance");
    distance.close();
  }
  summary.leave(
    minutes,
    "sedentaryMinutes",
    "lightlyActiveMinutes",
    "fairlyActiveMinutes",
    "veryActiveMinutes",
  );
  summary.leave(parts, "activityCalories", "caloriesBMR", "marginalCalories");
  summary.leave("Fitbit's own score has no code here", "activeScore");
  summary.close();
}

function readActivity(activity: Fields, reader: Reader): void {
  const [date, clock] = [activity.text("startDate"), activity.text("startTime")];
  const durationMs = Number(activity.digits("duration") ?? "0");
  const timed = activity.flag("hasStartTime") !== false && date !== undefined && clock !== undefined;
  const time = timed ? reader.time(pathOf(activity, "startTime"), `${date}T${clock}`) : undefined;
  const sums = Object.entries(mapping.activity).flatMap(
    ([name, target]) => quantityOf(activity, name, target, reader) ?? [],
  );
  const text = activity.text("name");
  const externalId = activity.digits("logId") ?? "";
  activity.leave("a workout has no place for it", "activityId", "activityParentId", "activityParentName");
  activity.leave("a workout has no place for it", "description", "isFavorite", "lastModified");
  activity.close();
  if (!timed) reader.refuse(activity.path, "TIME_REQUIRED", "its startDate or startTime is missing");
  if (time === undefined) return;
  if (!(Number.isSafeInteger(durationMs) && durationMs > 0)) {
    reader.refuse(pathOf(activity, "duration"), "DURATION_REQUIRED", "must be milliseconds, 1 or more");
    return;
  }
  const session = { ...time, code: WORKOUT, durationMs, externalId, text, sums, parts: [] };
  reader.observation(
    activity.path,
    WORKOUT,
    sessionObservation({ ...session, method: CaptureMethod.UNSPECIFIED }),
  );
}
