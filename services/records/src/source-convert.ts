import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SourceSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Pairwise, Vault } from "@wellapi/vault";
import { withBox } from "./patient-box.ts";
import type { Source } from "./provenance.ts";

export type SourceInit = MessageInitShape<typeof SourceSchema>;

/** Where data comes from, as a party is told: the device by an id that is the party's own. */
export async function sourceInit(
  deps: { readonly vault: Vault; readonly pairwise: Pairwise },
  partition: string,
  party: string,
  source: Source,
): Promise<SourceInit> {
  const { organization, application, device, model, method, granularity } = source;
  const id = await withBox(deps.vault, partition, (box) => box.deviceId(organization, device));
  return {
    organization,
    application,
    deviceId: id === undefined ? "" : deps.pairwise.outward(party, id),
    deviceModel: model,
    method,
    granularity,
  };
}
