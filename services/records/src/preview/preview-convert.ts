import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Mask as MaskMessage } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  type PreviewedAmountSchema,
  PreviewedKind_Withheld,
  type PreviewedKindSchema,
  type PreviewedRecordsSchema,
} from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { partyOf } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import { recordInit } from "../door/clinical-convert.ts";
import { aggregateInit, type Presenter } from "../door/read-convert.ts";
import { codeInit } from "../door/series-convert.ts";
import type { Intent } from "../gate/intent.ts";
import type { Mask } from "../gate/masks.ts";
import type { Interval } from "../model/interval.ts";
import type { Amount, PreviewedKind, PreviewedRecords, Withheld } from "./preview.ts";

const withheldMessages: Readonly<Record<Withheld, PreviewedKind_Withheld>> = {
  not_permitted: PreviewedKind_Withheld.NOT_PERMITTED,
  other_purpose: PreviewedKind_Withheld.OTHER_PURPOSE,
  denied: PreviewedKind_Withheld.DENIED,
  outside_window: PreviewedKind_Withheld.OUTSIDE_WINDOW,
  other_source: PreviewedKind_Withheld.OTHER_SOURCE,
  coarser: PreviewedKind_Withheld.COARSER,
  joined: PreviewedKind_Withheld.JOINED,
};

const maskMessages: Readonly<Record<Mask, MaskMessage>> = {
  device: MaskMessage.DEVICE,
  notes: MaskMessage.NOTES,
  performer: MaskMessage.PERFORMER,
};

const resolutions = { hourly: Resolution.HOURLY, daily: Resolution.DAILY } as const;

export interface PreviewConvertDeps {
  readonly terminology: Terminology;
  readonly pairwise: Pairwise;
}

/** With the ids that the patient knows. */
export async function previewedKindInit(
  { terminology }: PreviewConvertDeps,
  present: Presenter,
  intent: Intent,
  kind: PreviewedKind,
): Promise<MessageInitShape<typeof PreviewedKindSchema>> {
  const { code, held, seen, withheld, samples, observations, masks, sums } = kind;
  return {
    code: codeInit(terminology, code),
    held: amountInit(held),
    ...(seen && { seen: amountInit(seen) }),
    withheld: withheld === undefined ? PreviewedKind_Withheld.UNSPECIFIED : withheldMessages[withheld],
    firstSamples: await Promise.all(samples.map((run) => present.run(intent, code, run))),
    firstObservations: await present.observations(intent, observations),
    masks: masks.map((mask) => maskMessages[mask]),
    sums: await Promise.all(
      sums.map(async ({ fineness, buckets, span, first }) => ({
        resolution: resolutions[fineness],
        buckets: BigInt(buckets),
        span: spanInit(span),
        first: aggregateInit(
          first,
          await present.source(intent, first.source, { code, span, finest: fineness }),
        ),
      })),
    ),
  };
}

export function previewedRecordsInit(
  deps: PreviewConvertDeps,
  { caller }: Intent,
  { type, held, seen, first }: PreviewedRecords,
): MessageInitShape<typeof PreviewedRecordsSchema> {
  const party = partyOf(caller);
  return {
    resourceType: type,
    held: BigInt(held),
    seen: BigInt(seen),
    first: first.map((record) => recordInit(deps, party, { ...record, letting: [] })),
  };
}

function amountInit({ values, observations, span }: Amount): MessageInitShape<typeof PreviewedAmountSchema> {
  return { values: BigInt(values), observations: BigInt(observations), span: spanInit(span) };
}

function spanInit({ from, to }: Interval) {
  return { startTime: timestampFromMs(from), endTime: timestampFromMs(to) };
}
