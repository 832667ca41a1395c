import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  PermittingConsentSchema,
  SourceFilter as SourceFilterMessage,
  SourceSchema,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Pairwise, Vault } from "@wellapi/vault";
import { withBox } from "../blocks/patient-box.ts";
import { intervalInit } from "../gate/access-convert.ts";
import type { Letting } from "../gate/consent-notes.ts";
import { ALWAYS, type Interval } from "../model/interval.ts";
import type { Source } from "../model/provenance.ts";
import { ANY_SOURCE, type SourceFilter } from "../read/source-filter.ts";

export type SourceInit = Exclude<MessageInitShape<typeof SourceSchema>, Message>;

export interface ToldSource {
  readonly told: SourceInit;
  /** Internal id; undefined where the provider named none. */
  readonly device: string | undefined;
}

/** The source of data, as a party sees it: the device has an id for this party only. */
export async function sourceInit(
  deps: { readonly vault: Vault; readonly pairwise: Pairwise },
  partition: string,
  party: string,
  source: Source,
): Promise<ToldSource> {
  const { organization, application, device: named, model, method, granularity } = source;
  const device = await withBox(deps.vault, partition, (box) => box.deviceId(organization, named));
  const told = {
    organization,
    application,
    deviceId: device === undefined ? "" : deps.pairwise.outward(party, device),
    deviceModel: model,
    method,
    granularity,
  };
  return { told, device };
}

/** An empty message would be `{}` in JSON, which is unclear to readers. */
export function toldInterval(interval: Interval) {
  const bounds = intervalInit(interval);
  return "startTime" in bounds || "endTime" in bounds ? bounds : { startTime: timestampFromMs(ALWAYS.from) };
}

export function permittingConsent({
  consent,
  version,
  intervals,
}: Letting): MessageInitShape<typeof PermittingConsentSchema> {
  return { consent, version, intervals: intervals.map(toldInterval) };
}

/** A party names devices by its own ids: an id of another party, or an invalid one, matches no device. */
export function sourceFilterOf(
  pairwise: Pairwise,
  party: string,
  asked: SourceFilterMessage | undefined,
): SourceFilter {
  if (asked === undefined) return ANY_SOURCE;
  const { organizations, deviceIds, methods, granularities } = asked;
  const devices = deviceIds.map((id) => pairwise.inward(party, "dev", id) ?? "");
  const some = <T>(values: readonly T[]) => (values.length === 0 ? undefined : new Set(values));
  return {
    organizations: some(organizations),
    devices: some(devices),
    methods: some<number>(methods),
    granularities: some<number>(granularities),
  };
}
