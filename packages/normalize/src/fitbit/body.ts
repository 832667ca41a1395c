import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Fields } from "../fields.ts";
import { pathOf, quantityOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import mapping from "./mapping.json" with { type: "json" };

/** Logs of weight and fat, each at an instant. */
export function readBody(root: Fields, reader: Reader): void {
  for (const list of ["weight", "fat"]) {
    for (const log of root.objects(list) ?? []) readLog(log, reader);
  }
}

function readLog(log: Fields, reader: Reader): void {
  const date = log.text("date");
  const clock = log.text("time");
  // A log that a scale wrote has its name there; `API` and `Web` are what a person entered.
  const source = log.text("source");
  const method =
    source === "API" || source === "Web" ? CaptureMethod.SELF_REPORTED : CaptureMethod.UNSPECIFIED;
  log.leave("a sample has no id of its own", "logId");
  const time =
    date === undefined || clock === undefined
      ? undefined
      : reader.local(pathOf(log, "time"), `${date}T${clock}`);
  if (date === undefined || clock === undefined) {
    reader.refuse(log.path, "TIME_REQUIRED", "its date or its time is missing");
  }
  for (const [name, target] of Object.entries(mapping.body)) {
    const quantity = quantityOf(log, name, target, reader);
    if (quantity === undefined || time === undefined) continue;
    reader.point({
      path: pathOf(log, name),
      value: { kind: "quantity", ...quantity },
      ...time,
      durationMs: 0,
      granularity: Granularity.INSTANT,
      method,
    });
  }
  log.close();
}
