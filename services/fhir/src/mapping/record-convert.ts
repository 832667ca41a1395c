import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type FhirResource, mapReferences, parseJson } from "@wellapi/fhir-r4";
import type { ClinicalRecord } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { fhirPatientId, formatLogicalId, outwardReference } from "./logical-id.ts";

/** A stored version, as a client of this server sees it. */
export interface ServedRecord {
  readonly type: string;
  /** FHIR's logical id. */
  readonly id: string;
  /** `W/"3"` */
  readonly etag: string;
  readonly version: string;
  readonly updated: Date;
  /** Undefined: this version is the deletion. */
  readonly resource: FhirResource | undefined;
}

export function servedRecord(patient: string, record: ClinicalRecord): ServedRecord {
  const { resourceType: type, version, deleted } = record;
  const id = type === "Patient" ? fhirPatientId(patient) : formatLogicalId({ patient, record: record.id });
  return {
    type,
    id,
    etag: `W/"${version}"`,
    version: String(version),
    updated: timestampDate(record.updateTime!),
    resource: deleted ? undefined : outward(patient, id, record.resource),
  };
}

function outward(patient: string, id: string, text: string): FhirResource {
  const { resourceType, ...rest } = mapReferences(parseJson(text), (one) => outwardReference(patient, one));
  return { resourceType, ...rest, id };
}
