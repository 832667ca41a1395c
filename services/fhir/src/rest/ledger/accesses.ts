import { type FhirResource, isObject } from "@wellapi/fhir-r4";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import type { HttpReply } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { auditEventResource } from "../../mapping/access-convert.ts";
import { consentOfId, consentOfText } from "../../mapping/consent-convert.ts";
import { countOf, datesIn, listed, timeInterval } from "../../search/query-convert.ts";
import { subsetOf, withSubset } from "../../search/subset.ts";
import { queryOf } from "../address.ts";
import { sendResource } from "../content.ts";
import { calling, type Exchange } from "../exchange.ts";
import { notFound } from "../not-found.ts";
import { patientIn } from "./consents.ts";
import { parametersOf, sendPage } from "./pages.ts";

export const accessParameters = ["_id", "consent", "date", "patient"];

/** Not of HL7's core: what was disclosed under a consent, as the guide Scalable Consent Management searches it. */
export const accessDefinitions: Readonly<Record<string, string>> = {
  consent: "http://hl7.org/fhir/us/consent-management/SearchParameter/fast-auditevent-consent",
};

const form = /^acc-[0-9a-hjkmnp-tv-z]{26}$/;

/** GET AuditEvent/[id] */
export async function readAccess(exchange: Exchange, id: string): Promise<HttpReply> {
  if (!form.test(id)) throw notFound();
  const log = exchange.client(AuditService);
  const { access } = await log.getAccess({ access: id.replace("-", "_") }, calling);
  const resource = access && auditEventResource(access);
  if (resource === undefined) throw notFound();
  return sendResource(
    exchange.reply,
    exchange.format,
    withSubset(resource, subsetOf(queryOf(exchange.request))),
  );
}

/** GET AuditEvent: entries of the log that the caller may see, the newest first. A page that leaves much out is short. */
export async function searchAccesses(exchange: Exchange): Promise<HttpReply> {
  const parameters = parametersOf(exchange, accessParameters);
  const patient = patientIn(parameters, exchange.base);
  const consent = consentIn(parameters, exchange.base);
  const ids = listed(parameters, "_id");
  const dates = datesIn(parameters, "date");
  const subset = subsetOf(parameters);
  if (dates.empty) return sendPage(exchange, "AuditEvent", parameters, { resources: [], next: "" }, subset);
  const log = exchange.client(AuditService);
  const page = await log.listAccesses(
    {
      ...(consent !== undefined && { filter: { consent } }),
      ...(dates.found !== undefined && { interval: timeInterval(dates.found) }),
      pageSize: countOf(parameters.get("_count")),
      pageToken: parameters.get("_page") ?? "",
    },
    calling,
  );
  const resources = page.accesses
    .flatMap((one) => auditEventResource(one) ?? [])
    .filter((one) => patient === undefined || isAbout(one, patient))
    .filter(({ id }) => ids === undefined || ids.includes(String(id)));
  return sendPage(exchange, "AuditEvent", parameters, { resources, next: page.nextPageToken }, subset);
}

/** The contracts' id of the consent that is named; undefined where none is. */
function consentIn(parameters: URLSearchParams, base: string): string | undefined {
  const named = parameters.get("consent");
  if (named === null) return undefined;
  const consent = consentOfText(named, base) ?? consentOfId(named);
  if (consent !== undefined) return consent;
  throw new FhirServiceError(
    "INVALID_REQUEST",
    "consent has to name one consent by its id here: Consent/con-…",
  );
}

function isAbout({ entity }: FhirResource, patient: string): boolean {
  const entities = Array.isArray(entity) ? entity.filter(isObject) : [];
  return entities.some(({ what }) => isObject(what) && what.reference === `Patient/${patient}`);
}
