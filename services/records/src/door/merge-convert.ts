import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type DevicePrioritySchema,
  type MergedStretchSchema,
  MergeNothing,
  type RankedDevice as RankedDeviceMessage,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Pairwise } from "@wellapi/vault";
import { invalidField } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import {
  type DevicePriority,
  priorityEtag,
  type RankedDevice,
  repeatedAt,
} from "../model/device-priority.ts";
import type { Interval } from "../model/interval.ts";
import { MINUTE_MS } from "../model/merge-rule.ts";
import type { MergedStretch, Nothing } from "../read/merge-series.ts";
import { type Presenter, spanOfTimes } from "./read-convert.ts";

const nothings: Readonly<Record<Nothing, MergeNothing>> = {
  no_samples: MergeNothing.NO_SAMPLES,
  only_coarse: MergeNothing.ONLY_COARSE,
  coded: MergeNothing.CODED,
};

export function nothingOf(nothing: Nothing | undefined): MergeNothing {
  return nothing === undefined ? MergeNothing.UNSPECIFIED : nothings[nothing];
}

/** Throws INVALID_FIELD: part of a minute would be chosen by less than the minute. */
export function fullMinutes(interval: Interval): Interval {
  const parts = [interval.from, interval.to].filter((time) => time % MINUTE_MS !== 0);
  if (parts.length > 0) throw invalidField("interval", "must begin and end with a minute of UTC");
  return interval;
}

export async function stretchInit(
  present: Presenter,
  intent: Intent,
  code: string,
  { run, reason, passedOver }: MergedStretch,
): Promise<MessageInitShape<typeof MergedStretchSchema>> {
  const { series, source } = await present.run(intent, code, run);
  const span = spanOfTimes(run.columns.times);
  const others = passedOver.map(async (other) => {
    const told = await present.source(intent, other.source, { code, span, finest: "raw" });
    return { source: told, minutes: other.minutes };
  });
  return { series: series!, source: source!, reason, passedOver: await Promise.all(others) };
}

/** Throws INVALID_FIELD. */
export function rankedDevices(
  pairwise: Pairwise,
  party: string,
  asked: readonly RankedDeviceMessage[],
): RankedDevice[] {
  const devices = asked.map(({ organization, deviceId }, at) => {
    const device = deviceId === "" ? "" : pairwise.inward(party, "dev", deviceId);
    if (device !== undefined) return { organization, device };
    const said =
      "is none of the patient's own ids of devices: ListSeries tells them as device_id of a source";
    throw invalidField(`devices[${at}].device_id`, said);
  });
  const repeated = repeatedAt(devices);
  if (repeated >= 0) throw invalidField(`devices[${repeated}]`, "is named twice: name each device once");
  return devices;
}

export function priorityInit(
  pairwise: Pairwise,
  party: string,
  priority: DevicePriority,
): MessageInitShape<typeof DevicePrioritySchema> {
  const devices = priority.devices.map(({ organization, device }) => {
    return { organization, deviceId: device === "" ? "" : pairwise.outward(party, device) };
  });
  return { devices, etag: priorityEtag(priority) };
}
