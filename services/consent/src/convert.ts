import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  ConsentRevisionSchema,
  ConsentSchema,
  ProvisionSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type {
  DecisionSchema,
  DisputeSchema,
  Question as QuestionMessage,
} from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Actor_Kind, type ActorSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Pairwise } from "@wellapi/vault";
import {
  type Author,
  type Captured,
  type Consent,
  type Dispute,
  type Provision,
  patientOf,
  stateOf,
} from "./consent.ts";
import type { Revision } from "./consent-documents.ts";
import type { Decision, Question } from "./decision.ts";
import { etagOf } from "./etag.ts";
import type { FromSources } from "./sources.ts";
import { type Categories, unknownInConsent } from "./understanding.ts";
import {
  actorKinds,
  deIdentificationMessages,
  denialMessages,
  directionMessages,
  effectMessages,
  maskMessages,
  methodMessages,
  named,
  numberOf,
  purposeMessages,
  resolutionMessages,
  stateMessages,
} from "./vocabulary-convert.ts";

/** The reader: the ids by which it knows the patient and devices, and the time. */
export interface Reader extends OutwardIds {
  readonly now: number;
  readonly categories: Categories;
}

/** The ids by which a party knows what a consent names. */
export interface OutwardIds {
  /** The patient's. */
  readonly patient: string;
  /** Of a device, by its internal id. */
  readonly deviceIdOf: (device: string) => string;
}

export function outwardIds(pairwise: Pairwise, partition: string, party: string): OutwardIds {
  return {
    patient: pairwise.outward(party, patientOf(partition)),
    deviceIdOf: (device) => pairwise.outward(party, device),
  };
}

/**
 * A consent as one reader sees it. A consent with content that this release does not know is shown with one provision
 * of no effect, because it permits nothing.
 */
export function consentMessage(consent: Consent, reader: Reader): MessageInitShape<typeof ConsentSchema> {
  const { id, terms, version, createTime, revokeTime, grantor } = consent;
  const understood = unknownInConsent(consent, reader.categories) === undefined;
  return {
    id,
    patient: reader.patient,
    grantee: terms.grantee,
    provisions: understood ? terms.provisions.map((one) => provisionMessage(one, reader)) : [{}],
    validity: intervalMessage(terms.validity),
    ...(terms.notice ? { notice: terms.notice } : {}),
    state: stateMessages[stateOf(consent, reader.now)],
    version,
    etag: etagOf(consent),
    createTime: timestampFromMs(createTime),
    ...(revokeTime === undefined ? {} : { revokeTime: timestampFromMs(revokeTime) }),
    grantor: actorMessage(grantor, reader.patient),
  };
}

/** A revision as one reader sees it: the consent at that time. */
export function revisionMessage(
  { consent, replacedEtag, author, time, access }: Revision,
  reader: Reader,
): MessageInitShape<typeof ConsentRevisionSchema> {
  return {
    consent: consentMessage(consent, { ...reader, now: time }),
    replacedEtag,
    actor: actorMessage(author, reader.patient),
    time: timestampFromMs(time),
    access,
  };
}

export function questionOf(message: QuestionMessage): Question {
  const { partition, organization, code, region, person, aheadSeconds } = message;
  const direction = named(directionMessages, message.direction);
  const purpose = named(purposeMessages, message.purpose);
  return {
    ...{ partition, organization, direction, code, purpose, region },
    ...(person !== "" && { person }),
    ...(aheadSeconds > 0 && { aheadMs: aheadSeconds * 1_000 }),
  };
}

/** @param deniedUntil of a no: until when it stays as it is if nobody changes anything; undefined: nobody may keep it */
export function decisionMessage(
  decision: Decision,
  deniedUntil?: number,
): MessageInitShape<typeof DecisionSchema> {
  if (!decision.permitted) {
    return {
      denialReason: denialMessages[decision.reason],
      ...(deniedUntil !== undefined && { deniedUntil: timestampFromMs(deniedUntil) }),
    };
  }
  const grants = decision.permits.map(
    ({
      consent,
      version,
      provision,
      resolution,
      captured,
      validity,
      sources,
      masks = [],
      emergency,
      deIdentified,
    }) => ({
      consent,
      version,
      provision,
      resolution: resolutionMessages[resolution],
      window: intervalMessage(captured),
      validity: intervalMessage(validity),
      capturedInLastMs: BigInt(captured.lastMs ?? 0),
      emergency: emergency === true,
      deIdentified: deIdentified === true,
      onlyOrganizations: sources && "only" in sources ? [...sources.only] : [],
      exceptOrganizations: sources && "except" in sources ? [...sources.except] : [],
      alsoDevices: [...(sources?.also ?? [])],
      exceptDevices: [...(sources?.without ?? [])],
      onlyMethods: (sources?.onlyMethods ?? []).map((one) => methodMessages[one]),
      exceptMethods: (sources?.exceptMethods ?? []).map((one) => methodMessages[one]),
      masks: masks.map((mask) => maskMessages[mask]),
    }),
  );
  return { grants, disputes: decision.disputes?.map(disputeMessage) ?? [] };
}

function disputeMessage({
  organization,
  captured,
  device = "",
  record = "",
}: Dispute): MessageInitShape<typeof DisputeSchema> {
  return { organization, capturedWithin: intervalMessage(captured), device, record };
}

/**
 * A patient appears under the reader's own id. Everybody else acted on the patient's behalf, except a service, which
 * acted by itself.
 */
export function actorMessage({ kind, id }: Author, patient: string): MessageInitShape<typeof ActorSchema> {
  if (kind === "patient") return { kind: Actor_Kind.PATIENT, id: patient };
  const onBehalfOf = kind === "service" ? {} : { onBehalfOf: { kind: Actor_Kind.PATIENT, id: patient } };
  return { kind: actorKinds[kind], id, ...onBehalfOf };
}

export function provisionMessage(
  provision: Provision,
  ids: OutwardIds,
): MessageInitShape<typeof ProvisionSchema> {
  const {
    effect,
    directions,
    categories,
    purposes,
    resolution,
    captured,
    regions,
    sources,
    masks = [],
  } = provision;
  return {
    effect: numberOf(effectMessages, effect),
    directions: directions.map((direction) => numberOf(directionMessages, direction)),
    categories: categories.map(({ name, version }) => ({ name, version })),
    purposes: purposes.map((purpose) => numberOf(purposeMessages, purpose)),
    resolution: numberOf(resolutionMessages, resolution),
    window: windowMessage(captured),
    ...(sources && { sources: selectorMessage(sources, ids) }),
    masks: masks.map((mask) => numberOf(maskMessages, mask)),
    regions: [...regions],
    deIdentification: numberOf(deIdentificationMessages, provision.deIdentification),
  };
}

function selectorMessage(
  { organizations, devices = [], methods = [] }: FromSources,
  { deviceIdOf }: OutwardIds,
) {
  return {
    organizations: [...organizations],
    devices: devices.map(({ organization, device }) => ({ organization, deviceId: deviceIdOf(device) })),
    methods: methods.map((one) => methodMessages[one]),
  };
}

function windowMessage({ start, end, lastMs }: Captured) {
  if (lastMs !== undefined) return { case: "capturedInLast", value: durationFromMs(lastMs) } as const;
  const within = intervalMessage({ start, end });
  return within ? ({ case: "capturedWithin", value: within } as const) : { case: undefined };
}

/** Absent where both ends are open. */
export function intervalMessage({
  start,
  end,
}: {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}) {
  if (start === undefined && end === undefined) return undefined;
  return {
    ...(start === undefined ? {} : { startTime: timestampFromMs(start) }),
    ...(end === undefined ? {} : { endTime: timestampFromMs(end) }),
  };
}
