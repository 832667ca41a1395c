import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type BundleRequest,
  bundleRequests,
  FhirError,
  type FhirResource,
  type Finding,
  isObject,
  operationOutcome,
  type ResponseEntry,
  responseBundle,
} from "@wellapi/fhir-r4";
import {
  type ClinicalOutcome,
  ClinicalOutcome_Status,
  type ClinicalWriteSchema,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { FhirServiceError } from "../errors.ts";
import { parseLogicalId } from "../mapping/logical-id.ts";
import { inwardText, subjectOf } from "../mapping/subject.ts";
import { sendResource, unjudgedResource } from "./content.ts";
import { calling, type Exchange } from "./exchange.ts";
import { explaining, faultsOf } from "./explanation.ts";
import { etagIn } from "./instance.ts";
import { isServed } from "./types.ts";
import { conditionOf, isOwn, resourceOfType, servedId, storedResource, textOf } from "./write.ts";

const mostEntries = 500;

/** One write of a Bundle, with what its answer needs. */
interface Entry {
  readonly sent: BundleRequest;
  readonly type: string;
  readonly id: string | undefined;
}

/**
 * POST of a Bundle. A transaction is stored whole or not at all. A batch's entries are judged each for itself. Both are writes to
 * the record of one patient: what refers to no patient (a Practitioner) belongs to the patient of the others.
 */
export async function bundle(exchange: Exchange) {
  const sent = resourceOfType(unjudgedResource(exchange.request), "Bundle");
  const faults = faultsOf(envelopeOf(sent));
  if (faults.length > 0) throw new FhirError("invalid", faults);
  return explaining(sent, () => writeBundle(exchange, sent));
}

/** The Bundle without its resources, which *records* judges. */
function envelopeOf(sent: FhirResource): FhirResource {
  if (!Array.isArray(sent.entry)) return sent;
  const entry = sent.entry.map((one) => {
    if (!isObject(one)) return one;
    const { resource: _judgedElsewhere, ...rest } = one;
    return rest;
  });
  return { ...sent, entry };
}

async function writeBundle(exchange: Exchange, sent: FhirResource) {
  const { request, reply, base, format, records } = exchange;
  const { type } = sent;
  if (type !== "transaction" && type !== "batch") {
    throw new FhirServiceError("INVALID_REQUEST", "Send a Bundle of the type transaction or batch");
  }
  const entries = bundleRequests(sent).map(entryOf);
  if (entries.length === 0) return sendResource(reply, format, responseBundle(`${type}-response`, []));
  if (entries.length > mostEntries) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      `A Bundle has at most ${mostEntries} entries: send several`,
    );
  }
  const patient = patientOf(entries, base);
  const { receipt } = await records.writeClinicalRecords(
    {
      batch: {
        requestId: textOf(request.headers["idempotency-key"]) ?? randomUUID(),
        patient,
        atomic: type === "transaction",
        writes: entries.map((entry) => ({ operation: operationOf(entry, patient, base) })),
      },
    },
    calling,
  );
  const outcomes = receipt!.outcomes;
  if (type === "transaction") refuseRejected(outcomes);
  const answers = outcomes.map((outcome, at) => answerOf(entries[at]!, patient, base, outcome));
  return sendResource(reply, format, responseBundle(`${type}-response`, answers));
}

function entryOf(sent: BundleRequest): Entry {
  const [, type = "", id] = /^([A-Za-z]+)(?:\/([A-Za-z0-9.-]{1,64}))?$/.exec(sent.url) ?? [];
  const fits =
    (sent.method === "POST" && id === undefined && sent.resource !== undefined) ||
    (sent.method === "PUT" && id !== undefined && sent.resource !== undefined) ||
    (sent.method === "DELETE" && id !== undefined);
  if (fits && isServed(type)) return { sent, type, id };
  throw at(sent, "An entry is a POST to a type, or a PUT or DELETE of [type]/[id] of a type that is served");
}

function at({ index }: BundleRequest, text: string): FhirServiceError {
  return new FhirServiceError("INVALID_REQUEST", [
    { severity: "error", code: "value", text, expression: `Bundle.entry[${index}]` },
  ]);
}

/** The one patient whom the entries name. */
function patientOf(entries: readonly Entry[], base: string): string {
  const named = entries.map(({ sent, id }) => ({
    sent,
    patient:
      (sent.resource && subjectOf(sent.resource, base)) ??
      (id === undefined ? undefined : parseLogicalId(id)?.patient),
  }));
  const patient = named.find((one) => one.patient !== undefined)?.patient;
  const other = named.find((one) => one.patient !== undefined && one.patient !== patient);
  if (other !== undefined)
    throw at(other.sent, "It is about another patient than the entries before: send a Bundle a patient");
  if (patient !== undefined) return patient;
  throw at(
    entries[0]!.sent,
    "No entry refers to its patient by the id that the patient has here: Patient/pat-…",
  );
}

function operationOf(
  { sent, type, id }: Entry,
  patient: string,
  base: string,
): MessageInitShape<typeof ClinicalWriteSchema>["operation"] {
  const logical = id === undefined ? undefined : parseLogicalId(id);
  const record = logical?.patient === patient ? logical.record : "";
  if (id !== undefined && record === "") throw at(sent, "There is no such resource of this patient");
  const fullUrl = sent.fullUrl ?? "";
  if (sent.method === "DELETE") return { case: "delete", value: { record, etag: etagIn(sent.ifMatch) } };
  const resource = inwardText(resourceOfType(sent.resource!, type), patient, base);
  return sent.method === "PUT"
    ? { case: "update", value: { record, resource, etag: etagIn(sent.ifMatch), fullUrl } }
    : { case: "create", value: { resource, fullUrl, ...conditionOf(sent.ifNoneExist) } };
}

/** A transaction of which one entry was rejected was not stored: the entries that say why. */
function refuseRejected(outcomes: readonly ClinicalOutcome[]): void {
  const findings = outcomes.flatMap(({ violations }, index) =>
    violations
      .filter(({ reason }) => reason !== "ANOTHER_REJECTED")
      .map((one) => findingOf(one, `Bundle.entry[${index}].resource`)),
  );
  if (outcomes.some(({ status }) => status === ClinicalOutcome_Status.REJECTED)) {
    throw new FhirServiceError("INVALID_RESOURCE", findings);
  }
}

function findingOf(
  { field, description }: { readonly field: string; readonly description: string },
  place?: string,
): Finding {
  const within =
    place === undefined ? field : `${place}${field.includes(".") ? field.slice(field.indexOf(".")) : ""}`;
  return { severity: "error", code: "value", text: description, expression: within };
}

const statuses: Partial<Record<ClinicalOutcome_Status, string>> = {
  [ClinicalOutcome_Status.CREATED]: "201",
  [ClinicalOutcome_Status.DELETED]: "204",
};

function answerOf(
  { sent, type, id }: Entry,
  patient: string,
  base: string,
  outcome: ClinicalOutcome,
): ResponseEntry {
  if (outcome.status === ClinicalOutcome_Status.REJECTED) {
    const [first] = outcome.violations;
    const status = first?.reason === "ETAG_MISMATCH" ? "412" : first?.reason === "NOT_FOUND" ? "404" : "422";
    const faults =
      first?.reason === "INVALID_RESOURCE" && sent.resource !== undefined ? faultsOf(sent.resource) : [];
    const told = faults.length > 0 ? faults : outcome.violations.map((one) => findingOf(one));
    return { status, outcome: operationOutcome(told) };
  }
  const status = statuses[outcome.status] ?? "200";
  if (sent.method === "DELETE") return { status };
  const served = id ?? servedId(type, patient, outcome.record);
  const updated = timestampDate(outcome.updateTime!).toISOString();
  const resource: FhirResource | undefined =
    sent.resource !== undefined && isOwn(outcome)
      ? storedResource({ resource: sent.resource, patient, outcome })
      : undefined;
  return {
    fullUrl: `${base}/${type}/${served}`,
    // References between entries are the server's to resolve: who wants the resource as it stands reads it.
    ...(resource !== undefined && !hasLocalReferences(resource) && { resource }),
    status,
    location: `${type}/${served}/_history/${outcome.version}`,
    etag: `W/"${outcome.version}"`,
    lastModified: updated,
  };
}

function hasLocalReferences(resource: FhirResource): boolean {
  return JSON.stringify(resource).includes('"urn:uuid:');
}
