import type { FhirResource } from "@wellapi/fhir-r4";
import type { Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { fhirPatientId, formatLogicalId } from "./logical-id.ts";
import { metaOf, type View } from "./source-convert.ts";

/** A device that measured something of the patient. Its id is the reader's own; its maker's number for it is not told. */
export function deviceResource(view: View, source: Source): FhirResource {
  const { patient } = view;
  return {
    resourceType: "Device",
    id: formatLogicalId({ patient, record: source.deviceId }),
    ...metaOf(view, source),
    ...(source.deviceModel !== "" && { deviceName: [{ name: source.deviceModel, type: "model-name" }] }),
    patient: { reference: `Patient/${fhirPatientId(patient)}` },
  };
}
