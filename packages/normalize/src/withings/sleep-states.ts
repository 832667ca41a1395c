import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Fields } from "../fields.ts";
import { pathOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import { sleepStage } from "../session.ts";
import mapping from "./mapping.json" with { type: "json" };

const states = new Map(Object.entries(mapping.sleepStates));

/** States of sleep, each of an interval; the document does not say which of them make a night. */
export function readSleepStates(body: Fields, reader: Reader): void {
  const model = body.digits("model");
  body.known("model_id");
  for (const part of body.objects("series") ?? []) {
    const [state, from, to] = ["state", "startdate", "enddate"].map((name) => part.digits(name) ?? "");
    part.leave("takes the states of sleep alone of this document", "hr", "rr", "snoring", "sdnn_1", "rmssd");
    part.known("hash_deviceid", "model");
    part.close();
    const stage = states.get(state!);
    if (stage === undefined) {
      reader.refuse(
        pathOf(part, "state"),
        "STAGE_UNKNOWN",
        `takes the states ${[...states.keys()].join(", ")}`,
      );
      continue;
    }
    const [start, end] = [from, to].map((text) => (/^\d{1,11}$/.test(text!) ? Number(text) * 1_000 : 0));
    if (!(start! > 0 && end! > start!)) {
      reader.refuse(part.path, "TIME_INVALID", "needs startdate and a later enddate, seconds since 1970");
      continue;
    }
    const time = reader.instant(pathOf(part, "startdate"), start!);
    if (time === undefined) continue;
    reader.point({
      path: pathOf(part, "state"),
      value: { kind: "coded", of: sleepStage(mapping.sleepStage), is: sleepStage(stage) },
      ...time,
      durationMs: end! - start!,
      granularity: Granularity.EPISODE,
      method: CaptureMethod.SENSED,
      ...(model !== undefined && { device: { identifier: "", model: `Withings model ${model}` } }),
    });
  }
}
