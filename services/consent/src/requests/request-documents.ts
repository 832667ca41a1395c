import type { CollectionDeclaration, Document } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type ConsentSealing, type Place, sealContent } from "../consent-sealing.ts";
import { createSealedRequests } from "../sealed-request.ts";
import type { Asking, ConsentRequest } from "./request.ts";

export const consentRequests: CollectionDeclaration = {
  name: "consent_requests",
  key: ["partition", "request"],
  indexes: [
    { name: "by_request", fields: ["request"], unique: true },
    { name: "by_origin", fields: ["origin_mac"], unique: true },
    { name: "by_patient", fields: ["partition", "create_time"] },
    { name: "by_organization", fields: ["organization_mac", "create_time"] },
  ],
};

export const sealedRequests = createSealedRequests<ConsentRequest>(consentRequests.name);

/** What an organization has asked a patient lately, sealed as requests are. */
export type AskingDocument = Document & {
  readonly organization_mac: string;
  readonly sealed: Uint8Array;
};

export const consentAskings: CollectionDeclaration = {
  name: "consent_askings",
  key: ["partition", "organization_mac"],
  indexes: [],
};

/** How many requests an organization has made in a day of UTC. */
export type DayDocument = Document & { readonly day: string; readonly count: number };

export const consentRequestDays: CollectionDeclaration = {
  name: "consent_request_days",
  key: ["partition"],
  indexes: [],
};

export function askingDocument(
  key: PatientKey,
  partition: string,
  organizationMac: string,
  asking: Asking,
): AskingDocument {
  const sealed = sealContent(key, askingPlace(partition, organizationMac), asking);
  return { partition, organization_mac: organizationMac, sealed };
}

/** Undefined where the key was destroyed. Throws ConsentError `unreadable`. */
export function openAsking(
  sealing: Pick<ConsentSealing, "open">,
  { partition, organization_mac, sealed }: AskingDocument,
): Promise<Asking | undefined> {
  return sealing.open<Asking>(askingPlace(partition, organization_mac), sealed);
}

function askingPlace(partition: string, organizationMac: string): Place {
  return [consentAskings.name, partition, organizationMac];
}

/** Stands for the organization that asks. */
export function organizationMac({ tagOf }: Pick<ConsentSealing, "tagOf">, organization: string): string {
  return tagOf(`consent request ${organization}`);
}
