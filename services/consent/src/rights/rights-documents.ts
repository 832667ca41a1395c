import type { CollectionDeclaration, Document } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type ConsentSealing, type Place, sealContent } from "../consent-sealing.ts";
import type { RightsRequest } from "./rights-request.ts";

/** A stored rights request, in the patient's partition, sealed under the patient's audit key. */
export type RightsDocument = Document & {
  readonly request: string;
  readonly create_time: number;
  /** MACs under a key of the installation: of the organization, and of how it was asked. */
  readonly organization_mac: string;
  readonly origin_mac: string;
  readonly sealed: Uint8Array;
};

/** The sealed part of a RightsDocument. */
export interface RightsContent {
  readonly content: RightsRequest;
  /** Of what was asked, to recognise a repeated request. */
  readonly requestDigest: string;
}

export const rightsRequests: CollectionDeclaration = {
  name: "rights_requests",
  key: ["partition", "request"],
  indexes: [
    { name: "by_request", fields: ["request"], unique: true },
    { name: "by_origin", fields: ["origin_mac"], unique: true },
    { name: "by_patient", fields: ["partition", "create_time"] },
    { name: "by_organization", fields: ["organization_mac", "create_time"] },
    { name: "by_patient_and_organization", fields: ["partition", "organization_mac", "create_time"] },
  ],
};

export function rightsDocument(
  key: PatientKey,
  kept: Pick<RightsDocument, "partition" | "organization_mac" | "origin_mac">,
  sealed: RightsContent,
): RightsDocument {
  const { partition, organization_mac, origin_mac } = kept;
  const { id, createTime } = sealed.content;
  return {
    partition,
    request: id,
    create_time: createTime,
    organization_mac,
    origin_mac,
    sealed: sealContent(key, placeOf(partition, id), sealed),
  };
}

/** Undefined where the key was destroyed. Throws ConsentError `unreadable`. */
export function openRights(
  sealing: Pick<ConsentSealing, "open">,
  { partition, request, sealed }: RightsDocument,
): Promise<RightsContent | undefined> {
  return sealing.open<RightsContent>(placeOf(partition, request), sealed);
}

function placeOf(partition: string, request: string): Place {
  return [rightsRequests.name, partition, request];
}

/** Stands for the organization of which something is demanded. */
export function organizationMac({ tagOf }: Pick<ConsentSealing, "tagOf">, organization: string): string {
  return tagOf(`rights request ${organization}`);
}
