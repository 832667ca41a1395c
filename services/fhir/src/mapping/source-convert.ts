import type { FhirObject } from "@wellapi/fhir-r4";
import type { Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { disputedSecurity } from "./dispute-label.ts";
import { formatLogicalId } from "./logical-id.ts";

/** What makes the resources of one reader: whom they are about, and this server's address. */
export interface View {
  /** The patient, by the reader's own id: `pat_…`. */
  readonly patient: string;
  /** Without a slash at its end. */
  readonly base: string;
}

/** FHIR's id of an organization of the contracts. */
export function organizationIdOf(organization: string): string {
  return organization.replace("_", "-");
}

/** `meta`: which organization it comes from, when it was received, and whether the patient disputes it. */
export function metaOf(
  { base }: View,
  source: Source | undefined,
  {
    received,
    disputed = false,
  }: { readonly received?: string | undefined; readonly disputed?: boolean } = {},
): FhirObject {
  const organization = source?.organization ?? "";
  return {
    meta: {
      ...(received !== undefined && { lastUpdated: received }),
      ...(organization !== "" && { source: `${base}/Organization/${organizationIdOf(organization)}` }),
      ...(disputed && disputedSecurity),
    },
  };
}

/** `device`: by the reader's own id, with the name of its model. */
export function deviceOf({ patient }: View, source: Source | undefined): FhirObject {
  if (source === undefined || source.deviceId + source.deviceModel === "") return {};
  const { deviceId, deviceModel } = source;
  return {
    device: {
      ...(deviceId !== "" && { reference: `Device/${formatLogicalId({ patient, record: deviceId })}` }),
      ...(deviceModel !== "" && { display: deviceModel }),
    },
  };
}
