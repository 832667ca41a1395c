import { historyBundle } from "@wellapi/fhir-r4";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { FhirServiceError } from "../errors.ts";
import { type LogicalId, parseLogicalId, patientIdOf } from "../mapping/logical-id.ts";
import { type ServedRecord, servedRecord } from "../mapping/record-convert.ts";
import { subsetOf, withSubset } from "../search/subset.ts";
import { queryOf } from "./address.ts";
import { sendResource } from "./content.ts";
import { devicesOf, isMeasuringDevice } from "./devices.ts";
import { calling, type Exchange } from "./exchange.ts";
import { readOrganization } from "./ledger/organizations.ts";
import { notFound } from "./not-found.ts";
import { isMeasurement, readMeasurement } from "./observations/read.ts";
import { barePatient } from "./patient.ts";

/** One resource of a type, by FHIR's logical id. */
export interface Named {
  readonly type: string;
  readonly id: string;
}

/** GET [type]/[id] */
export async function readInstance(exchange: Exchange, named: Named) {
  const { request, reply, format } = exchange;
  const subset = subsetOf(queryOf(request));
  const logical = parseLogicalId(named.id);
  if (named.type === "Observation" && logical !== undefined && isMeasurement(logical)) {
    const measured = await readMeasurement(exchange, logical);
    if (measured === undefined) throw notFound();
    return sendResource(reply, format, withSubset(measured.resource, subset));
  }
  if (named.type === "Device" && logical !== undefined && isMeasuringDevice(logical)) {
    const [device] = await devicesOf(exchange, logical.patient, [logical.record]);
    if (device === undefined) throw notFound();
    return sendResource(reply, format, withSubset(device, subset));
  }
  if (named.type === "Organization") {
    const organization = await readOrganization(exchange, named.id);
    if (organization !== undefined) return sendResource(reply, format, withSubset(organization, subset));
  }
  const found = await versionOf(exchange, named, 0).catch((error: unknown) => {
    // Who may read anything of a patient knows the patient, whether there is a record of this type or not.
    const patient = named.type === "Patient" ? patientIdOf(named.id) : undefined;
    if (patient !== undefined && error instanceof FhirServiceError && error.code === "NOT_FOUND")
      return patient;
    throw error;
  });
  if (typeof found === "string") return sendResource(reply, format, withSubset(barePatient(found), subset));
  if (found.resource === undefined) throw deleted();
  addVersion(exchange, found);
  if (request.headers["if-none-match"] === found.etag) return reply.code(304).send();
  return sendResource(reply, format, withSubset(found.resource, subset));
}

/** GET [type]/[id]/_history/[version] */
export async function readVersion(exchange: Exchange, named: Named, version: string) {
  const number = Number(version);
  if (!Number.isInteger(number) || number < 1) throw notFound();
  const found = await versionOf(exchange, named, number);
  if (found.resource === undefined) throw deleted();
  addVersion(exchange, found);
  return sendResource(exchange.reply, exchange.format, found.resource);
}

/** GET [type]/[id]/_history: all versions that the caller may see, the newest first, in pages. */
export async function readHistory(exchange: Exchange, named: Named) {
  const { request, reply, format, base, purpose, records } = exchange;
  const { patient, record } = await located(exchange, named);
  const asked = queryOf(request);
  const pageToken = asked.get("_page") ?? "";
  const page = await records.listClinicalRecordVersions({ patient, record, purpose, pageToken }, calling);
  const versions = page.versions.map((one) => servedRecord(patient, one));
  if (versions.some(({ type }) => type !== named.type)) throw notFound();
  const self = `${base}/${named.type}/${named.id}/_history`;
  const next =
    page.nextPageToken === "" ? {} : { next: `${self}?_page=${encodeURIComponent(page.nextPageToken)}` };
  const entries = versions.map((version) => {
    const { resource, etag, updated } = version;
    const first = version.version === "1";
    const method = resource === undefined ? "DELETE" : first ? "POST" : "PUT";
    return {
      fullUrl: `${base}/${version.type}/${version.id}`,
      ...(resource !== undefined && { resource }),
      status: method === "POST" ? "201" : method === "PUT" ? "200" : "204",
      etag,
      lastModified: updated.toISOString(),
      request: { method, url: first ? version.type : `${version.type}/${version.id}` },
    } as const;
  });
  return sendResource(reply, format, historyBundle({ self, ...next }, entries));
}

/** DELETE [type]/[id] */
export async function deleteInstance(exchange: Exchange, { id }: Named) {
  const logical = parseLogicalId(id);
  if (logical === undefined || !logical.record.startsWith("rec_")) throw notFound();
  const { patient, record } = logical;
  await exchange.records.deleteClinicalRecord(
    { patient, delete: { record, etag: etagIn(exchange.request.headers["if-match"]) } },
    calling,
  );
  return exchange.reply.code(204).send();
}

/** The etag of the contracts in `W/"3"`; empty where there is none. */
export function etagIn(header: string | undefined): string {
  if (header === undefined) return "";
  const version = /^(?:W\/)?"([0-9]{1,9})"$/.exec(header)?.[1];
  if (version !== undefined) return version;
  throw new FhirServiceError(
    "INVALID_REQUEST",
    'The header if-match has to be an etag of this server, such as W/"3"',
  );
}

export function addVersion(
  { reply, base }: Exchange,
  { type, id, etag, version, updated }: ServedRecord,
): void {
  reply.header("etag", etag).header("last-modified", updated.toUTCString());
  reply.header("content-location", `${base}/${type}/${id}/_history/${version}`);
}

async function versionOf(exchange: Exchange, named: Named, version: number): Promise<ServedRecord> {
  const { purpose, records } = exchange;
  const { patient, record } = await located(exchange, named);
  const { record: found } = await records.getClinicalRecord({ patient, record, version, purpose }, calling);
  const served = servedRecord(patient, found!);
  if (served.type !== named.type) throw notFound();
  return served;
}

/**
 * The record of a logical id. `Patient/pat-…` names the patient: its record is the one of this type that was changed last, because
 * each organization contributes its own.
 */
async function located({ purpose, records }: Exchange, { type, id }: Named): Promise<LogicalId> {
  const logical = parseLogicalId(id);
  if (type !== "Patient") {
    if (logical === undefined || !logical.record.startsWith("rec_")) throw notFound();
    return logical;
  }
  const patient = patientIdOf(id);
  if (patient === undefined) throw notFound();
  const asked = { patient, purpose, types: ["Patient"], order: ClinicalOrder.LAST_UPDATED, pageSize: 1 };
  const { records: found } = await records.listClinicalRecords(asked, calling);
  if (found.length === 0) throw notFound();
  return { patient, record: found[0]!.id };
}

function deleted(): FhirServiceError {
  return new FhirServiceError("DELETED", "The resource was deleted");
}
