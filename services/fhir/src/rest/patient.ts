import type { FhirResource } from "@wellapi/fhir-r4";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { fhirPatientId } from "../mapping/logical-id.ts";
import { servedRecord } from "../mapping/record-convert.ts";
import { calling, type Exchange } from "./exchange.ts";

/**
 * The patient: the record of this type that was changed last, because each organization contributes its own. Without one that the caller may see
 * it is what everybody knows who may read anything of the patient: the id. Throws CONSENT_REQUIRED for others.
 */
export async function readPatient({ records, purpose }: Exchange, patient: string): Promise<FhirResource> {
  const asked = { patient, purpose, types: ["Patient"], order: ClinicalOrder.LAST_UPDATED, pageSize: 1 };
  const { records: found } = await records.listClinicalRecords(asked, calling);
  const resource = found[0] && servedRecord(patient, found[0]).resource;
  return resource ?? barePatient(patient);
}

export function barePatient(patient: string): FhirResource {
  return { resourceType: "Patient", id: fhirPatientId(patient) };
}
