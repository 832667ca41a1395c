import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import type { HttpReply } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { consentOfId, consentResource, statesOf } from "../../mapping/consent-convert.ts";
import { fhirPatientId, patientIdOf } from "../../mapping/logical-id.ts";
import { patientOfText } from "../../mapping/subject.ts";
import { countOf, listed } from "../../search/query-convert.ts";
import { subsetOf, withSubset } from "../../search/subset.ts";
import { queryOf } from "../address.ts";
import { sendResource } from "../content.ts";
import { calling, type Exchange } from "../exchange.ts";
import { notFound } from "../not-found.ts";
import { parametersOf, sendPage } from "./pages.ts";

export const consentParameters = ["_id", "patient", "status"];

/** GET Consent/[id]: of the patient, or of the organization that it is given to. */
export async function readConsent(exchange: Exchange, id: string): Promise<HttpReply> {
  const named = consentOfId(id);
  if (named === undefined) throw notFound();
  const consents = exchange.client(ConsentService);
  const { consent } = await consents.getConsent({ consent: named }, calling);
  const resource = withSubset(consentResource(consent!), subsetOf(queryOf(exchange.request)));
  return sendResource(exchange.reply, exchange.format, resource);
}

/** GET Consent: those that the caller has, or has given, in the order of *consent*. */
export async function searchConsents(exchange: Exchange): Promise<HttpReply> {
  const parameters = parametersOf(exchange, consentParameters);
  const consents = exchange.client(ConsentService);
  const states = [...new Set((listed(parameters, "status") ?? []).flatMap(statesOf))];
  if (parameters.has("status") && states.length === 0) {
    throw new FhirServiceError("INVALID_REQUEST", "status has to be proposed, active or inactive");
  }
  const patient = patientIn(parameters, exchange.base);
  const ids = listed(parameters, "_id");
  const page = await consents.listConsents(
    { states, pageSize: countOf(parameters.get("_count")), pageToken: parameters.get("_page") ?? "" },
    calling,
  );
  const resources = page.consents
    .filter((one) => patient === undefined || fhirPatientId(one.patient) === patient)
    .map(consentResource)
    .filter(({ id }) => ids === undefined || ids.includes(String(id)));
  return sendPage(
    exchange,
    "Consent",
    parameters,
    { resources, next: page.nextPageToken },
    subsetOf(parameters),
  );
}

/** FHIR's id of the patient who is named; undefined where none is. */
export function patientIn(parameters: URLSearchParams, base: string): string | undefined {
  const named = parameters.get("patient");
  if (named === null) return undefined;
  const patient = patientOfText(named, base) ?? patientIdOf(named);
  if (patient !== undefined) return fhirPatientId(patient);
  throw new FhirServiceError(
    "INVALID_REQUEST",
    "patient has to name one patient by its id here: Patient/pat-…",
  );
}
