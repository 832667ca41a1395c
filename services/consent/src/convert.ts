import { create, type JsonValue, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  Consent_Status,
  type Consent as ConsentMessage,
  type ConsentRevisionSchema,
  ConsentSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  type DecisionSchema,
  DenialReason as DenialReasonMessage,
  type Question as QuestionMessage,
} from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import {
  Actor_Kind,
  Direction as DirectionMessage,
  Purpose as PurposeMessage,
  Resolution as ResolutionMessage,
  type TimeInterval,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Violation } from "@wellapi/rpc";
import { CATEGORIES, currentVersion, isCategory } from "@wellapi/terminology";
import {
  type Consent,
  type Direction,
  hasEnded,
  type Interval,
  type PinnedCategory,
  type Purpose,
  type Resolution,
  type Status,
  statusOf,
  type Terms,
} from "./consent.ts";
import type { Author, Revision } from "./consent-repository.ts";
import type { Decision, DenialReason, Question } from "./decision.ts";
import { ConsentError } from "./errors.ts";
import { etagOf } from "./etag.ts";

const directionMessages: Record<Direction, DirectionMessage> = {
  contribute: DirectionMessage.CONTRIBUTE,
  read: DirectionMessage.READ,
};

const purposeMessages: Record<Purpose, PurposeMessage> = {
  treatment: PurposeMessage.TREATMENT,
  payment: PurposeMessage.PAYMENT,
  operations: PurposeMessage.OPERATIONS,
  research: PurposeMessage.RESEARCH,
  patient_request: PurposeMessage.PATIENT_REQUEST,
  public_health: PurposeMessage.PUBLIC_HEALTH,
  emergency: PurposeMessage.EMERGENCY,
  family_request: PurposeMessage.FAMILY_REQUEST,
};

const resolutionMessages: Record<Resolution, ResolutionMessage> = {
  raw: ResolutionMessage.RAW,
  hourly: ResolutionMessage.HOURLY,
  daily: ResolutionMessage.DAILY,
};

const statusMessages: Record<Status, Consent_Status> = {
  active: Consent_Status.ACTIVE,
  revoked: Consent_Status.REVOKED,
  expired: Consent_Status.EXPIRED,
};

const denialMessages: Record<DenialReason, DenialReasonMessage> = {
  no_consent: DenialReasonMessage.NO_CONSENT,
  revoked: DenialReasonMessage.REVOKED,
  expired: DenialReasonMessage.EXPIRED,
  category: DenialReasonMessage.CATEGORY,
  purpose: DenialReasonMessage.PURPOSE,
  region: DenialReasonMessage.REGION,
};

const actorKinds: Record<Author["kind"], Actor_Kind> = {
  patient: Actor_Kind.PATIENT,
  guardian: Actor_Kind.GUARDIAN,
  clinician: Actor_Kind.CLINICIAN,
  operator: Actor_Kind.OPERATOR,
  service: Actor_Kind.SERVICE,
};

/** The name here of a number on the wire; undefined for one that is unspecified or unknown. */
function named<N extends string, V extends number>(messages: Record<N, V>, value: V): N | undefined {
  const found = (Object.entries(messages) as Array<[N, V]>).find(([, message]) => message === value);
  return found?.[0];
}

/**
 * The terms that a request asks for, with the categories' versions pinned. Field rules were checked before
 * (protovalidate); this checks what they cannot say. Throws ConsentError `invalid`.
 */
export function termsOf(message: ConsentMessage | undefined, now: number): Terms {
  const violations: Violation[] = [];
  const refuse = (field: string, description: string) =>
    violations.push({ field: `consent.${field}`, description, reason: "INVALID_FIELD" });

  const direction = message && named(directionMessages, message.direction);
  if (!message || !direction) {
    refuse("direction", "is neither DIRECTION_CONTRIBUTE nor DIRECTION_READ");
    throw new ConsentError("invalid", { violations });
  }
  const categories = message.categories.map((category, i) => pinned(category, `categories[${i}]`, refuse));
  const names = new Set(categories.map(({ name }) => name));
  if (names.size < categories.length) refuse("categories", "names a category twice: state each once");

  const purposes = message.purposes.map((purpose) => named(purposeMessages, purpose));
  if (purposes.includes(undefined)) refuse("purposes", "holds a purpose that is not known");
  if (direction === "read" && purposes.length === 0) refuse("purposes", "is needed for reading");

  const contributing = direction === "contribute";
  const stated = named(resolutionMessages, message.resolution);
  const resolution = stated ?? (contributing ? "raw" : undefined);
  if (!resolution) refuse("resolution", "is needed for reading: RAW, HOURLY or DAILY");
  if (contributing && resolution !== "raw") refuse("resolution", "is RAW or left out for contributing");

  const validity = intervalOf(message.validity);
  if (hasEnded(validity, now)) refuse("validity.end_time", "has passed: give an end in the future, or none");
  if (violations.length > 0 || !resolution) throw new ConsentError("invalid", { violations });
  const { grantee, regions, notice } = message;
  return {
    grantee,
    direction,
    categories,
    purposes: contributing ? [] : purposes.filter((purpose) => purpose !== undefined),
    resolution,
    window: intervalOf(message.window),
    validity,
    regions: [...regions],
    ...(notice ? { notice: { uri: notice.uri, language: notice.language, sha256: notice.sha256 } } : {}),
  };
}

/** What a request to grant says, without the fields that are output only. */
export function requestedContent(message: ConsentMessage | undefined): JsonValue {
  const { grantee, direction, categories, purposes, resolution } = message ?? create(ConsentSchema);
  const { window, validity, regions, notice } = message ?? create(ConsentSchema);
  const terms = { grantee, direction, categories, purposes, resolution, regions };
  const optional = {
    ...(window ? { window } : {}),
    ...(validity ? { validity } : {}),
    ...(notice ? { notice } : {}),
  };
  return toJson(ConsentSchema, create(ConsentSchema, { ...terms, ...optional }));
}

function pinned(
  { name, version }: PinnedCategory,
  field: string,
  refuse: (field: string, description: string) => void,
): PinnedCategory {
  if (!isCategory(name)) {
    refuse(`${field}.name`, `is not a category: use one of ${CATEGORIES.join(", ")}`);
    return { name, version };
  }
  const current = currentVersion(name);
  if (version > current)
    refuse(`${field}.version`, `is not out yet: use 1 to ${current}, or 0 for ${current}`);
  return { name, version: version === 0 ? current : version };
}

function intervalOf(interval: TimeInterval | undefined): Interval {
  const { startTime, endTime } = interval ?? {};
  return {
    ...(startTime ? { start: timestampMs(startTime) } : {}),
    ...(endTime ? { end: timestampMs(endTime) } : {}),
  };
}

function intervalMessage({ start, end }: Interval) {
  return {
    ...(start === undefined ? {} : { startTime: timestampFromMs(start) }),
    ...(end === undefined ? {} : { endTime: timestampFromMs(end) }),
  };
}

/** A consent as one reader sees it; `patient` is the patient's id for that reader. */
export function consentMessage(
  consent: Consent,
  patient: string,
  now: number,
): MessageInitShape<typeof ConsentSchema> {
  const { id, terms, version, createTime, revokeTime } = consent;
  return {
    id,
    patient,
    grantee: terms.grantee,
    direction: directionMessages[terms.direction],
    categories: terms.categories.map(({ name, version }) => ({ name, version })),
    purposes: terms.purposes.map((purpose) => purposeMessages[purpose]),
    resolution: resolutionMessages[terms.resolution],
    window: intervalMessage(terms.window),
    validity: intervalMessage(terms.validity),
    regions: [...terms.regions],
    ...(terms.notice ? { notice: terms.notice } : {}),
    status: statusMessages[statusOf(consent, now)],
    version,
    etag: etagOf(consent),
    createTime: timestampFromMs(createTime),
    ...(revokeTime === undefined ? {} : { revokeTime: timestampFromMs(revokeTime) }),
  };
}

/** A revision as one reader sees it; `actor` is the author's id for that reader. */
export function revisionMessage(
  revision: Revision,
  patient: string,
  actor: string,
): MessageInitShape<typeof ConsentRevisionSchema> {
  const { consent, replacedEtag, author, time, access } = revision;
  return {
    consent: consentMessage(consent, patient, time),
    replacedEtag,
    actor: { kind: actorKinds[author.kind], id: actor },
    time: timestampFromMs(time),
    access,
  };
}

export function questionOf(message: QuestionMessage): Question {
  const { partition, organization, code, region } = message;
  const direction = named(directionMessages, message.direction);
  const purpose = named(purposeMessages, message.purpose);
  return { partition, organization, direction, code, purpose, region };
}

export function decisionMessage(decision: Decision): MessageInitShape<typeof DecisionSchema> {
  if (!decision.permitted) return { denialReason: denialMessages[decision.reason] };
  const grants = decision.grants.map(({ id, version, terms }) => ({
    consent: id,
    version,
    resolution: resolutionMessages[terms.resolution],
    window: intervalMessage(terms.window),
    validity: intervalMessage(terms.validity),
  }));
  return { grants };
}
