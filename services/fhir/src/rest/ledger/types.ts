import type { HttpReply } from "@wellapi/http";
import type { Exchange } from "../exchange.ts";
import { accessParameters, readAccess, searchAccesses } from "./accesses.ts";
import { consentParameters, readConsent, searchConsents } from "./consents.ts";

/** A type of which the exchange itself keeps what there is: read and searched, and never written by FHIR. */
export interface LedgerType {
  readonly parameters: readonly string[];
  read(exchange: Exchange, id: string): Promise<HttpReply>;
  search(exchange: Exchange): Promise<HttpReply>;
}

const types: Readonly<Record<string, LedgerType>> = {
  AuditEvent: { parameters: accessParameters, read: readAccess, search: searchAccesses },
  Consent: { parameters: consentParameters, read: readConsent, search: searchConsents },
};

export const ledgerTypes: readonly string[] = Object.keys(types);

/** Undefined for a type of clinical records, and for one that is not served. */
export function ledgerType(type: string): LedgerType | undefined {
  return Object.hasOwn(types, type) ? types[type] : undefined;
}
