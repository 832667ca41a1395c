import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { FhirObject, FhirResource } from "@wellapi/fhir-r4";
import {
  type Consent,
  Consent_State,
  type Provision,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, Resolution, type TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { DATA_CATEGORY_SYSTEM } from "@wellapi/terminology";
import { fhirPatientId } from "./logical-id.ts";
import { purposeCoding } from "./purposes.ts";
import { organizationIdOf } from "./source-convert.ts";

const hl7 = "http://terminology.hl7.org/CodeSystem";
const own = "https://wellapi.dev/fhir/StructureDefinition";

const statuses: Readonly<Record<Consent_State, string>> = {
  [Consent_State.UNSPECIFIED]: "inactive",
  [Consent_State.SCHEDULED]: "proposed",
  [Consent_State.ACTIVE]: "active",
  [Consent_State.REVOKED]: "inactive",
  [Consent_State.EXPIRED]: "inactive",
};

const resolutions: Partial<Record<Resolution, string>> = {
  [Resolution.RAW]: "raw",
  [Resolution.HOURLY]: "hourly",
  [Resolution.DAILY]: "daily",
  [Resolution.COUNT_ONLY]: "count-only",
};

export function consentId(id: string): string {
  return id.replace("_", "-");
}

const form = /^con-[0-9a-hjkmnp-tv-z]{26}$/;

/** The contracts' id of FHIR's; undefined where it is none. */
export function consentOfId(id: string): string | undefined {
  return form.test(id) ? id.replace("-", "_") : undefined;
}

/** Of `Consent/con-…`, with this server's address before it or without. */
export function consentOfText(reference: string, base: string): string | undefined {
  const relative = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
  return relative.startsWith("Consent/") ? consentOfId(relative.slice("Consent/".length)) : undefined;
}

/** States of the contracts that FHIR calls by one word. */
export function statesOf(status: string): Consent_State[] {
  return [Consent_State.SCHEDULED, Consent_State.ACTIVE, Consent_State.REVOKED, Consent_State.EXPIRED].filter(
    (state) => statuses[state] === status,
  );
}

/** A consent: nothing is permitted but what a provision within permits. */
export function consentResource(consent: Consent): FhirResource {
  const { id, patient, grantee, state, version, createTime, validity, notice, provisions } = consent;
  return {
    resourceType: "Consent",
    id: consentId(id),
    meta: { versionId: String(version) },
    status: statuses[state] ?? "inactive",
    scope: { coding: [{ system: `${hl7}/consentscope`, code: "patient-privacy" }] },
    category: [{ coding: [{ system: "http://loinc.org", code: "59284-0", display: "Consent Document" }] }],
    patient: { reference: `Patient/${fhirPatientId(patient)}` },
    ...(createTime !== undefined && { dateTime: timestampDate(createTime).toISOString() }),
    ...(notice !== undefined && notice.uri !== "" && { sourceReference: { display: notice.uri } }),
    policyRule: { coding: [{ system: `${hl7}/v3-ActCode`, code: "OPTIN" }] },
    provision: {
      type: "deny",
      ...periodOf("period", validity),
      provision: provisions.map((one) => provisionOf(one, grantee)),
    },
  };
}

function provisionOf(provision: Provision, grantee: string): FhirObject {
  const { effect, directions, categories, purposes, resolution, window } = provision;
  const coded = resolutions[resolution];
  const extension = [
    ...(coded === undefined ? [] : [{ url: `${own}/consent-resolution`, valueCode: coded }]),
    ...(hasFurtherLimits(provision) ? [{ url: `${own}/consent-further-limits`, valueBoolean: true }] : []),
  ];
  const asked = purposes.flatMap((purpose) => purposeCoding(purpose) ?? []);
  return {
    ...(extension.length > 0 && { extension }),
    type: effect === Provision_Effect.PERMIT ? "permit" : "deny",
    actor: [
      {
        role: { coding: [{ system: `${hl7}/v3-ParticipationType`, code: "IRCP" }] },
        reference: { reference: `Organization/${organizationIdOf(grantee)}` },
      },
    ],
    action: directions.map((direction) => ({
      coding: [{ system: `${hl7}/consentaction`, code: direction === Direction.READ ? "access" : "collect" }],
    })),
    ...(asked.length > 0 && { purpose: asked }),
    code: categories.map(({ name, version }) => ({
      coding: [
        { system: DATA_CATEGORY_SYSTEM, ...(version > 0 && { version: String(version) }), code: name },
      ],
    })),
    ...(window.case === "capturedWithin" && periodOf("dataPeriod", window.value)),
  };
}

/** What FHIR R4 has no place for. Who has to know it all reads the consent by `GetConsent`. */
function hasFurtherLimits({ window, sources, masks, deIdentification, regions }: Provision): boolean {
  const inLast = window.case === "capturedInLast";
  return inLast || sources !== undefined || masks.length + deIdentification + regions.length > 0;
}

function periodOf(name: string, interval: TimeInterval | undefined): FhirObject {
  if (interval?.startTime === undefined && interval?.endTime === undefined) return {};
  const { startTime, endTime } = interval;
  return {
    [name]: {
      ...(startTime !== undefined && { start: timestampDate(startTime).toISOString() }),
      ...(endTime !== undefined && { end: timestampDate(endTime).toISOString() }),
    },
  };
}
