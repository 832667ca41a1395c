import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type AccessInit, consentReferences, entryOf, mostListed } from "@wellapi/access-log";
import { Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Pairwise } from "@wellapi/vault";
import { ALWAYS, type Interval } from "../model/interval.ts";
import type { Intent, ReadPart, Result, UsedPermit } from "./intent.ts";
import type { Fineness } from "./permit.ts";
import type { Subject } from "./subject.ts";

const resolutions = { raw: Resolution.RAW, hourly: Resolution.HOURLY, daily: Resolution.DAILY } as const;

const phases = {
  call: Access_Phase.CALL,
  opened: Access_Phase.OPENED,
  changed: Access_Phase.CHANGED,
  closed: Access_Phase.CLOSED,
} as const;

/** The log's entry. Carries no health value. */
export function accessInit(
  pairwise: Pairwise,
  intent: Intent,
  subject: Subject | undefined,
  result: Result,
): AccessInit {
  const { caller, method, direction, purpose, codes, interval, requestId } = intent;
  const { consents = [] } = result;
  return {
    ...entryOf(pairwise, {
      caller,
      method,
      patient: subject?.patient,
      outcome: result.outcome ?? "permitted",
      reason: result.reason ?? "",
      consents: consents.filter(({ emergency }) => !emergency),
      items: result.items ?? 0,
      requestId: requestId ?? "",
    }),
    phase: phases[result.phase ?? "call"],
    purpose: purpose ?? 0,
    direction: direction === "read" ? Direction.READ : Direction.CONTRIBUTE,
    codes: [...new Set(codes)].slice(0, mostListed),
    ...(interval === undefined || isAlways(interval) ? {} : { interval: intervalInit(interval) }),
    openedBy: result.openedBy ?? "",
    emergencyAccess: emergencyIn(consents),
    previewedOrganization: result.previewed ?? "",
    resolution: resolutionOf(result.fineness),
    parts: (result.parts ?? []).map(partInit),
  };
}

/** The entry of a call has all of them together, and room for no more. */
const mostConsentsOfPart = 25;

function partInit({ method, codes, interval, items, consents, fineness }: ReadPart) {
  return {
    method,
    codes: [...new Set(codes)].slice(0, mostListed),
    ...(isAlways(interval) ? {} : { interval: intervalInit(interval) }),
    consents: consentReferences(
      consents.filter(({ emergency }) => !emergency),
      mostConsentsOfPart,
    ),
    items,
    resolution: resolutionOf(fineness),
    emergencyAccess: emergencyIn(consents),
  };
}

function emergencyIn(consents: readonly UsedPermit[]): string {
  return consents.find(({ emergency }) => emergency)?.consent ?? "";
}

function resolutionOf(fineness: Fineness | undefined): Resolution {
  return fineness === undefined ? Resolution.UNSPECIFIED : resolutions[fineness];
}

/** No interval was requested: the entry has none, instead of an interval without ends. */
function isAlways({ from, to }: Interval): boolean {
  return from <= ALWAYS.from && to >= ALWAYS.to;
}

/** Open ends are absent. */
export function intervalInit(interval: Interval) {
  return {
    ...(interval.from <= ALWAYS.from ? {} : { startTime: timestampFromMs(interval.from) }),
    ...(interval.to >= ALWAYS.to ? {} : { endTime: timestampFromMs(interval.to) }),
  };
}
