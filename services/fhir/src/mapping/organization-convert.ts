import type { FhirResource } from "@wellapi/fhir-r4";
import { type Organization, Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { organizationIdOf } from "./source-convert.ts";

const form = /^org-[0-9a-hjkmnp-tv-z]{26}$/;

/** The contracts' id; undefined for the id of a clinical record, or of nothing. */
export function organizationOf(id: string): string | undefined {
  return form.test(id) ? id.replace("-", "_") : undefined;
}

export function organizationResource({ id, displayName, state }: Organization): FhirResource {
  return {
    resourceType: "Organization",
    id: organizationIdOf(id),
    active: state === Organization_State.ACTIVE,
    ...(displayName === "" ? { identifier: [{ value: id }] } : { name: displayName }),
  };
}
