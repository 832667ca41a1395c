import type { CollectionDeclaration, Document } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type ConsentSealing, type Place, sealContent } from "../consent-sealing.ts";
import type { Asking, ConsentRequest } from "./request.ts";

/** Stored requests for consent, in the patient's partition, sealed under the patient's audit key. */
export type RequestDocument = Document & {
  readonly request: string;
  readonly create_time: number;
  /** MACs under a key of the installation: of the organization, and of how it asked. */
  readonly organization_mac: string;
  readonly origin_mac: string;
  readonly sealed: Uint8Array;
};

/** The sealed part of a RequestDocument. */
export interface RequestContent {
  readonly content: ConsentRequest;
  /** Of what was asked, to recognise a repeated request. */
  readonly requestDigest: string;
}

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

export function requestDocument(
  key: PatientKey,
  kept: Pick<RequestDocument, "partition" | "organization_mac" | "origin_mac">,
  sealed: RequestContent,
): RequestDocument {
  const { partition, organization_mac, origin_mac } = kept;
  const { id, createTime } = sealed.content;
  return {
    partition,
    request: id,
    create_time: createTime,
    organization_mac,
    origin_mac,
    sealed: sealContent(key, requestPlace(partition, id), sealed),
  };
}

/** Undefined where the key was destroyed. Throws ConsentError `unreadable`. */
export function openRequest(
  sealing: Pick<ConsentSealing, "open">,
  { partition, request, sealed }: RequestDocument,
): Promise<RequestContent | undefined> {
  return sealing.open<RequestContent>(requestPlace(partition, request), sealed);
}

export function askingDocument(
  key: PatientKey,
  partition: string,
  organizationMac: string,
  asking: Asking,
): AskingDocument {
  const sealed = sealContent(key, askingPlace(partition, organizationMac), asking);
  return { partition, organization_mac: organizationMac, sealed };
}

/** As `openRequest`. */
export function openAsking(
  sealing: Pick<ConsentSealing, "open">,
  { partition, organization_mac, sealed }: AskingDocument,
): Promise<Asking | undefined> {
  return sealing.open<Asking>(askingPlace(partition, organization_mac), sealed);
}

function requestPlace(partition: string, request: string): Place {
  return [consentRequests.name, partition, request];
}

function askingPlace(partition: string, organizationMac: string): Place {
  return [consentAskings.name, partition, organizationMac];
}

/** Stands for the organization that asks. */
export function organizationMac({ tagOf }: Pick<ConsentSealing, "tagOf">, organization: string): string {
  return tagOf(`consent request ${organization}`);
}
