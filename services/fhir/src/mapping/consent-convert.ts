import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { FhirObject, FhirResource } from "@wellapi/fhir-r4";
import {
  type Consent,
  Consent_State,
  type Notice,
  type Provision,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, type TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { DATA_CATEGORY_SYSTEM } from "@wellapi/terminology";
import { limitExtensions, organizationReference } from "./consent-limits-convert.ts";
import { fhirPatientId } from "./logical-id.ts";
import { purposeCoding } from "./purposes.ts";

const hl7 = "http://terminology.hl7.org/CodeSystem";

const statuses: Readonly<Record<Consent_State, string>> = {
  [Consent_State.UNSPECIFIED]: "inactive",
  [Consent_State.SCHEDULED]: "proposed",
  [Consent_State.ACTIVE]: "active",
  [Consent_State.REVOKED]: "inactive",
  [Consent_State.EXPIRED]: "inactive",
};

/** What every consent here has, whatever it says. */
export const consentCodes = {
  scope: { system: `${hl7}/consentscope`, code: "patient-privacy" },
  category: { system: "http://loinc.org", code: "59284-0" },
  policyRule: { system: `${hl7}/v3-ActCode`, code: "OPTIN" },
  role: { system: `${hl7}/v3-ParticipationType`, code: "IRCP" },
} as const;
export const actionSystem = `${hl7}/consentaction`;
export const actions: Partial<Record<Direction, string>> = {
  [Direction.READ]: "access",
  [Direction.CONTRIBUTE]: "collect",
};

/** What a notice says beside its address. */
export const noticeUrls = {
  language: "https://wellapi.dev/fhir/StructureDefinition/consent-notice-language",
  sha256: "https://wellapi.dev/fhir/StructureDefinition/consent-notice-sha256",
} as const;

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
    scope: { coding: [consentCodes.scope] },
    category: [{ coding: [{ ...consentCodes.category, display: "Consent Document" }] }],
    patient: { reference: `Patient/${fhirPatientId(patient)}` },
    ...(createTime !== undefined && { dateTime: timestampDate(createTime).toISOString() }),
    ...(notice !== undefined && noticeOf(notice)),
    policyRule: { coding: [consentCodes.policyRule] },
    provision: {
      type: "deny",
      ...periodOf("period", validity),
      provision: provisions.map((one) => provisionOf(one, grantee, patient)),
    },
  };
}

function noticeOf({ uri, language, sha256 }: Notice): FhirObject {
  const extension = [
    ...(language === "" ? [] : [{ url: noticeUrls.language, valueCode: language }]),
    ...(sha256 === "" ? [] : [{ url: noticeUrls.sha256, valueString: sha256 }]),
  ];
  if (uri === "" && extension.length === 0) return {};
  return {
    sourceReference: { ...(extension.length > 0 && { extension }), ...(uri !== "" && { display: uri }) },
  };
}

function provisionOf(provision: Provision, grantee: string, patient: string): FhirObject {
  const { effect, directions, categories, purposes, window } = provision;
  const extension = limitExtensions(provision, patient);
  const asked = purposes.flatMap((purpose) => purposeCoding(purpose) ?? []);
  return {
    ...(extension.length > 0 && { extension }),
    type: effect === Provision_Effect.PERMIT ? "permit" : "deny",
    actor: [
      {
        role: { coding: [consentCodes.role] },
        reference: organizationReference(grantee),
      },
    ],
    action: directions.map((direction) => ({
      coding: [{ system: actionSystem, code: actions[direction] ?? "collect" }],
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
