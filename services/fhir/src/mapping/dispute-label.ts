import { type FhirObject, type FhirResource, isObject } from "@wellapi/fhir-r4";

/** Says of the label that the patient disputes the data, and so tells it from a contributor's own. */
const disputeExtension = "https://wellapi.dev/fhir/StructureDefinition/disputed-by-patient";

/** Of what the patient disputes, in `meta.security`: HL7's v3 ObservationValue, integrity confidence. */
const disputeLabel: FhirObject = {
  extension: [{ url: disputeExtension, valueBoolean: true }],
  system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
  code: "UNCERTREL",
  display: "uncertain reliability",
};

/** The element of `meta` that says it. */
export const disputedSecurity = { security: [disputeLabel] };

/** With the label beside those that it has. */
export function labelledDisputed(resource: FhirResource): FhirResource {
  const meta = isObject(resource.meta) ? resource.meta : {};
  const security = Array.isArray(meta.security) ? meta.security : [];
  return { ...resource, meta: { ...meta, security: [...security, disputeLabel] } };
}

/** Without the label, which says how a version stands and not what is in it: who corrects what was read sends it along. */
export function withoutDisputeLabel(resource: FhirResource): FhirResource {
  const { meta } = resource;
  if (!isObject(meta) || !Array.isArray(meta.security)) return resource;
  const left = meta.security.filter((one) => !isDisputeLabel(one));
  if (left.length === meta.security.length) return resource;
  const { security: _, ...others } = meta;
  return { ...resource, meta: left.length === 0 ? others : { ...others, security: left } };
}

function isDisputeLabel(coding: unknown): boolean {
  return (
    isObject(coding) &&
    Array.isArray(coding.extension) &&
    coding.extension.some((one) => isObject(one) && one.url === disputeExtension)
  );
}
