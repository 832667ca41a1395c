import type { FhirResource, SearchEntry } from "@wellapi/fhir-r4";
import { type LogicalId, parseLogicalId, patientIdOf } from "../mapping/logical-id.ts";
import { servedRecord } from "../mapping/record-convert.ts";
import { referencesFrom } from "../search/includes.ts";
import type { SearchQuery } from "../search/query-convert.ts";
import { devicesOf, isMeasuringDevice } from "./devices.ts";
import { calling, type Exchange } from "./exchange.ts";
import { readOrganization } from "./ledger/organizations.ts";
import { isMeasurement, readMeasurement } from "./observations/read.ts";
import { isDenial, reasonOf } from "./outcome.ts";
import { readPatient } from "./patient.ts";
import { addressOf, entryOf } from "./search-set.ts";

const recordsACall = 64;

/** What is referred to by what was found, as far as the caller may see it: what is not there or may not be seen is left out. */
export async function includedIn(
  exchange: Exchange,
  query: SearchQuery,
  found: ReadonlyArray<{ readonly resource: FhirResource | undefined }>,
): Promise<SearchEntry[]> {
  const { includes, patient, subset } = query;
  if (includes.length === 0) return [];
  const all = found.flatMap(({ resource }) => resource ?? []);
  const shown = new Set(all.map(addressOf));
  const asked = new Set(all.flatMap((one) => referencesFrom(one, includes)).filter((one) => !shown.has(one)));
  const resources = await resolved(exchange, patient, [...asked]);
  return resources.map((resource) => entryOf(exchange.base, subset, { resource }, "include"));
}

async function resolved(
  exchange: Exchange,
  patient: string,
  references: readonly string[],
): Promise<FhirResource[]> {
  const found: FhirResource[] = [];
  const records: LogicalId[] = [];
  const devices: string[] = [];
  for (const reference of references) {
    const [type = "", id = ""] = reference.split("/");
    const logical = parseLogicalId(id);
    if (type === "Patient" && patientIdOf(id) === patient) found.push(await readPatient(exchange, patient));
    else if (type === "Organization" && logical === undefined)
      found.push(...(await organizationOf(exchange, id)));
    else if (logical?.patient !== patient) continue;
    else if (isMeasuringDevice(logical)) devices.push(logical.record);
    else if (isMeasurement(logical)) found.push(...(await measurementOf(exchange, logical)));
    else records.push(logical);
  }
  if (devices.length > 0) found.push(...(await devicesOf(exchange, patient, devices)));
  return [...found, ...(await recordsOf(exchange, patient, records))].filter((one) =>
    references.includes(addressOf(one)),
  );
}

async function organizationOf(exchange: Exchange, id: string): Promise<FhirResource[]> {
  const found = await readOrganization(exchange, id).catch((error: unknown) => {
    if (isDenial(error) || reasonOf(error) === "NOT_FOUND") return undefined;
    throw error;
  });
  return found === undefined ? [] : [found];
}

async function measurementOf(exchange: Exchange, id: LogicalId): Promise<FhirResource[]> {
  const found = await readMeasurement(exchange, id);
  return found === undefined ? [] : [found.resource];
}

async function recordsOf(
  { records, purpose }: Exchange,
  patient: string,
  ids: readonly LogicalId[],
): Promise<FhirResource[]> {
  const found: FhirResource[] = [];
  for (let at = 0; at < ids.length; at += recordsACall) {
    const some = ids.slice(at, at + recordsACall).map(({ record }) => record);
    const asked = { patient, purpose, records: some, pageSize: recordsACall };
    const page = await records.listClinicalRecords(asked, calling);
    found.push(...page.records.flatMap((one) => servedRecord(patient, one).resource ?? []));
  }
  return found;
}
