import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  Application_State,
  type ApplicationSchema,
  Credential_Kind,
  type CredentialSchema,
  Organization_State,
  type OrganizationSchema,
  type PatientSchema,
  type PatientTokenSchema,
  type TimeZonePeriod as TimeZonePeriodMessage,
  type TimeZonePeriodSchema,
} from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import type {
  Limits as LimitsMessage,
  LimitsSchema,
} from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import type {
  CallLimitsSchema,
  ExchangeCredentialRequest,
  Presented as PresentedMessage,
} from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import type { Presented } from "./access-tokens/possession.ts";
import type { Credential } from "./credentials/credential.ts";
import { invalidField } from "./errors.ts";
import { etagOf as etagOfLimits, type Limits, type Rates } from "./limits/limits.ts";
import { toClientMessage } from "./oauth/client-convert.ts";
import { type Application, etagOf, type Organization, type State } from "./organizations/organization.ts";
import type { Patient } from "./patients/patient.ts";
import type { TimeZonePeriod } from "./patients/time-zone.ts";
import type { Shown } from "./tokens/exchange.ts";
import type { PatientToken } from "./tokens/patient-token.ts";

export function toOrganizationMessage(
  organization: Organization,
): MessageInitShape<typeof OrganizationSchema> {
  const { id, displayName, createTime, updateTime, state, verification, emergencyAccessTime } = organization;
  return {
    id,
    displayName,
    createTime: timestampFromMs(createTime),
    updateTime: timestampFromMs(updateTime),
    state: organizationStates[state],
    etag: etagOf(organization),
    ...(emergencyAccessTime !== undefined && { emergencyAccessTime: timestampFromMs(emergencyAccessTime) }),
    ...(verification && {
      verification: {
        ...verification,
        agreements: [...verification.agreements],
        verifyTime: timestampFromMs(verification.verifyTime),
      },
    }),
  };
}

export function toApplicationMessage(application: Application): MessageInitShape<typeof ApplicationSchema> {
  const { id, organization, displayName, createTime, updateTime, state, oauth } = application;
  return {
    id,
    organization,
    ...(oauth && { oauth: toClientMessage(oauth) }),
    displayName,
    createTime: timestampFromMs(createTime),
    updateTime: timestampFromMs(updateTime),
    state: applicationStates[state],
    etag: etagOf(application),
  };
}

export function toLimitsMessage(limits: Limits): MessageInitShape<typeof LimitsSchema> {
  const { updateTime, ...set } = limits;
  const etag = etagOfLimits(limits);
  return { ...set, etag, ...(updateTime === undefined ? {} : { updateTime: timestampFromMs(updateTime) }) };
}

/** The rates that an update names. */
export function fromLimitsMessage(
  asked: LimitsMessage | undefined,
  fields: ReadonlySet<string>,
): Partial<Rates> {
  return {
    ...(fields.has("organization_rate") && { organizationRate: asked?.organizationRate ?? 0 }),
    ...(fields.has("application_rate") && { applicationRate: asked?.applicationRate ?? 0 }),
    ...(fields.has("credential_rate") && { credentialRate: asked?.credentialRate ?? 0 }),
    ...(fields.has("patient_rate") && { patientRate: asked?.patientRate ?? 0 }),
  };
}

/** Undefined where nothing is set: the defaults of the doors apply. */
export function toCallLimits(rates: Rates): MessageInitShape<typeof CallLimitsSchema> | undefined {
  const { organizationRate, applicationRate, credentialRate, patientRate } = rates;
  if (organizationRate + applicationRate + credentialRate + patientRate === 0) return undefined;
  return {
    organization: organizationRate,
    application: applicationRate,
    credential: credentialRate,
    patient: patientRate,
  };
}

const organizationStates: Readonly<Record<State, Organization_State>> = {
  active: Organization_State.ACTIVE,
  disabled: Organization_State.DISABLED,
  deleted: Organization_State.DELETED,
};

const applicationStates: Readonly<Record<State, Application_State>> = {
  active: Application_State.ACTIVE,
  disabled: Application_State.DISABLED,
  deleted: Application_State.DELETED,
};

export function toCredentialMessage(credential: Credential): MessageInitShape<typeof CredentialSchema> {
  const { id, kind, holder, createTime, expireTime, revokeTime, useTime, hint } = credential;
  const { displayName = "", scopes = [], networks = [], successor = "" } = credential;
  return {
    id,
    application: holder.kind === "application" ? holder.application : "",
    operator: holder.kind === "operator" ? holder.operator : "",
    displayName,
    scopes: [...scopes],
    networks: [...networks],
    successor,
    kind: kind === "certificate" ? Credential_Kind.CERTIFICATE : Credential_Kind.API_KEY,
    createTime: timestampFromMs(createTime),
    expireTime: timestampFromMs(expireTime),
    hint,
    ...(revokeTime === undefined ? {} : { revokeTime: timestampFromMs(revokeTime) }),
    ...(useTime === undefined ? {} : { useTime: timestampFromMs(useTime) }),
  };
}

export function toPatientTokenMessage(token: PatientToken): MessageInitShape<typeof PatientTokenSchema> {
  const { id, operator, createTime, expireTime, revokeTime } = token;
  return {
    id,
    operator,
    createTime: timestampFromMs(createTime),
    expireTime: timestampFromMs(expireTime),
    ...(revokeTime === undefined ? {} : { revokeTime: timestampFromMs(revokeTime) }),
  };
}

/** `id` is the reader's own id for the patient. */
export function toPatientMessage(patient: Patient, id: string): MessageInitShape<typeof PatientSchema> {
  const { profile, homeRegion, createTime, updateTime, eraseTime, etag } = patient;
  return {
    id,
    displayName: profile?.displayName ?? "",
    timeZones: (profile?.timeZones ?? []).map(toTimeZoneMessage),
    homeRegion,
    createTime: timestampFromMs(createTime),
    updateTime: timestampFromMs(updateTime),
    etag,
    ...(eraseTime === undefined ? {} : { eraseTime: timestampFromMs(eraseTime) }),
  };
}

export function toTimeZoneMessage(period: TimeZonePeriod): MessageInitShape<typeof TimeZonePeriodSchema> {
  const { startTime, timeZone } = period;
  return startTime === undefined ? { timeZone } : { timeZone, startTime: timestampFromMs(startTime) };
}

export function fromTimeZoneMessage({ startTime, timeZone }: TimeZonePeriodMessage): TimeZonePeriod {
  return startTime === undefined ? { timeZone } : { timeZone, startTime: timestampMs(startTime) };
}

/** Milliseconds; absent takes the default. Throws `invalid` outside of 1 s to `max`. */
export function fromLifetime(
  duration: Duration | undefined,
  limits: { readonly default: number; readonly max: number },
): number {
  return fromDuration("lifetime", duration, { ...limits, min: 1000 });
}

/** As `fromLifetime`, from `min` on. */
export function fromDuration(
  field: string,
  duration: Duration | undefined,
  limits: { readonly default: number; readonly min: number; readonly max: number },
): number {
  if (duration === undefined) return limits.default;
  const length = durationMs(duration);
  if (length >= limits.min && length <= limits.max) return length;
  throw invalidField(field, `must be from ${limits.min / 1000} s to ${limits.max / 1000} s`);
}

function fromPresented(message: PresentedMessage | undefined): Presented {
  if (message === undefined) return {};
  const { clientCertificate, dpopProof: proof, method, authority, path, attempt } = message;
  return {
    ...(clientCertificate.length > 0 && { certificate: clientCertificate }),
    ...(proof !== "" && { dpop: { proof, method, authority, path, attempt } }),
  };
}

export function fromExchangeRequest(request: ExchangeCredentialRequest): Shown {
  const { credential, callerAddress, presented, recheck } = request;
  switch (credential.case) {
    case "clientCertificate":
      return { kind: "certificate", der: credential.value };
    case "apiKey":
      return { kind: "api_key", key: credential.value, address: callerAddress };
    case "bearerToken":
      return { kind: "bearer_token", token: credential.value, presented: fromPresented(presented) };
    case "internalToken":
      return { kind: "internal_token", token: credential.value };
    case "session":
      return {
        kind: "session",
        credential: credential.value.secret,
        actingAs: credential.value.actingAs,
        recheck,
      };
    case "workload":
      if (credential.value) return { kind: "workload" };
  }
  throw invalidField("credential", "exactly one credential is needed");
}
