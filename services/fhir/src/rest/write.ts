import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type FhirResource, isObject } from "@wellapi/fhir-r4";
import {
  type ClinicalOutcome,
  ClinicalOutcome_Status,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import type { PutClinicalRecordRequestSchema } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { FhirServiceError } from "../errors.ts";
import { withoutDisputeLabel } from "../mapping/dispute-label.ts";
import { fhirPatientId, formatLogicalId, parseLogicalId } from "../mapping/logical-id.ts";
import { inwardText, subjectOf } from "../mapping/subject.ts";
import { sendResource, unjudgedResource } from "./content.ts";
import { calling, type Exchange } from "./exchange.ts";
import { explaining } from "./explanation.ts";
import { etagIn, type Named } from "./instance.ts";
import { notFound } from "./not-found.ts";

/** POST [type] */
export async function create(exchange: Exchange, type: string) {
  const { request, base } = exchange;
  const resource = resourceOfType(unjudgedResource(request), type);
  return explaining(resource, async () => {
    const patient = requireSubject(resource, base);
    const condition = conditionOf(textOf(request.headers["if-none-exist"]));
    const value = { resource: inwardText(resource, patient, base), ...condition };
    return put(exchange, resource, patient, { case: "create", value });
  });
}

/** PUT [type]/[id]: of what the caller's organization has created; ids are this server's to give. */
export async function update(exchange: Exchange, { type, id }: Named) {
  const { request, base } = exchange;
  const resource = resourceOfType(unjudgedResource(request), type);
  if (resource.id !== id) {
    throw new FhirServiceError("INVALID_REQUEST", "The id of the resource has to be that of the address");
  }
  const logical = parseLogicalId(id);
  if (logical === undefined || !logical.record.startsWith("rec_")) throw notFound();
  const { patient, record } = logical;
  const etag = etagIn(request.headers["if-match"]);
  return explaining(resource, async () => {
    const value = { record, resource: inwardText(resource, patient, base), etag };
    return put(exchange, resource, patient, { case: "update", value });
  });
}

async function put(
  exchange: Exchange,
  resource: FhirResource,
  patient: string,
  write: MessageInitShape<typeof PutClinicalRecordRequestSchema>["write"],
) {
  const requestId = textOf(exchange.request.headers["idempotency-key"]) ?? "";
  const { outcome } = await exchange.records.putClinicalRecord({ patient, requestId, write }, calling);
  return answerWrite(exchange, { resource, patient, outcome: outcome! });
}

/** `identifier=system|value` of If-None-Exist. */
export function conditionOf(header: string | undefined) {
  if (header === undefined || header === "") return {};
  const parameters = new URLSearchParams(header);
  const identifier = parameters.get("identifier") ?? "";
  const bar = identifier.indexOf("|");
  if ([...parameters.keys()].join() !== "identifier" || bar < 0 || bar === identifier.length - 1) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "If-None-Exist has to be identifier=<system>|<value>: nothing else can be judged in the commit itself",
    );
  }
  return { ifNoneExist: { system: identifier.slice(0, bar), value: identifier.slice(bar + 1) } };
}

export function requireSubject(resource: FhirResource, base: string): string {
  const patient = subjectOf(resource, base);
  if (patient !== undefined) return patient;
  throw new FhirServiceError("INVALID_RESOURCE", [
    {
      severity: "error",
      code: "required",
      text: "It has to refer to its patient: Patient/ and the id that the patient has here, pat-…. What has no patient (a Practitioner) is sent in a transaction with what refers to it",
      expression: resource.resourceType,
    },
  ]);
}

export function resourceOfType(resource: FhirResource, type: string): FhirResource {
  if (resource.resourceType === type) return resource;
  throw new FhirServiceError("INVALID_REQUEST", `The address is of the type ${type}: send a resource of it`);
}

interface Written {
  /** As it was sent. */
  readonly resource: FhirResource;
  readonly patient: string;
  readonly outcome: ClinicalOutcome;
}

/** The resource as it stands now, without reading it again, for which the contributor may have no consent. */
export function storedResource({ resource, patient, outcome }: Written): FhirResource {
  const { resourceType, meta, ...others } = withoutDisputeLabel(resource);
  return {
    resourceType,
    ...others,
    id: servedId(resourceType, patient, outcome.record),
    meta: {
      ...(isObject(meta) ? meta : {}),
      versionId: String(outcome.version),
      lastUpdated: timestampDate(outcome.updateTime!).toISOString(),
    },
  };
}

export function servedId(type: string, patient: string, record: string): string {
  return type === "Patient" ? fhirPatientId(patient) : formatLogicalId({ patient, record });
}

/** Whether the outcome tells of what was sent with this request, so that its resource may be answered. */
export function isOwn({ status }: ClinicalOutcome): boolean {
  return status !== ClinicalOutcome_Status.EXISTED && status !== ClinicalOutcome_Status.DUPLICATE;
}

function answerWrite(exchange: Exchange, written: Written) {
  const { request, reply, base, format } = exchange;
  const { resource, patient, outcome } = written;
  const address = `${base}/${resource.resourceType}/${servedId(resource.resourceType, patient, outcome.record)}`;
  reply
    .code(outcome.status === ClinicalOutcome_Status.CREATED ? 201 : 200)
    .header("location", `${address}/_history/${outcome.version}`)
    .header("etag", `W/"${outcome.version}"`)
    .header("last-modified", timestampDate(outcome.updateTime!).toUTCString());
  const minimal = textOf(request.headers.prefer)?.includes("return=minimal") === true;
  return minimal || !isOwn(outcome) ? reply.send() : sendResource(reply, format, storedResource(written));
}

export function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
