import type { FhirObject } from "@wellapi/fhir-r4";
import type { HttpReply } from "@wellapi/http";
import type { Exchange } from "../exchange.ts";
import { accessDefinitions, accessParameters, readAccess, searchAccesses } from "./accesses.ts";
import { consentParameters, readConsent, searchConsents } from "./consents.ts";
import { fileConsent } from "./filing.ts";
import { revokeOperation } from "./revocation.ts";

/** A type of which the exchange itself keeps what there is: read and searched, and never changed by FHIR. */
export interface LedgerType {
  readonly parameters: readonly string[];
  /** Of parameters that HL7's core has not: where each is defined. All of them are references. */
  readonly definitions?: Readonly<Record<string, string>>;
  /** As a CapabilityStatement lists them. */
  readonly operations?: readonly FhirObject[];
  read(exchange: Exchange, id: string): Promise<HttpReply>;
  search(exchange: Exchange): Promise<HttpReply>;
  /** Absent: nobody makes one by FHIR. */
  create?(exchange: Exchange): Promise<HttpReply>;
}

const types: Readonly<Record<string, LedgerType>> = {
  AuditEvent: {
    parameters: accessParameters,
    definitions: accessDefinitions,
    read: readAccess,
    search: searchAccesses,
  },
  Consent: {
    parameters: consentParameters,
    read: readConsent,
    search: searchConsents,
    create: fileConsent,
    operations: [revokeOperation],
  },
};

export const ledgerTypes: readonly string[] = Object.keys(types);

/** Undefined for a type of clinical records, and for one that is not served. */
export function ledgerType(type: string): LedgerType | undefined {
  return Object.hasOwn(types, type) ? types[type] : undefined;
}
