import type { Message } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  ConsentDecisionService,
  type RecallPatient,
  type WatchRequest,
  type WatchResponse,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import {
  type Decision,
  DenialReason,
  type Device,
  type Dispute as DisputeMessage,
  type Grant,
} from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { CaptureMethod, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createMessageQueue } from "./message-queue.ts";
import { type DatedPermit, earliestTime, latestTime } from "./permits.ts";
import { type Dispute, type Question, type Sources, sourceDeviceKey } from "./port.ts";
import { createQuestionBatches } from "./question-batches.ts";
import type { Answer, Incoming, Outgoing } from "./session.ts";

/** The stream of one session. */
export interface WatchStream {
  /** Sends in order. Throws nothing: the listener learns that a stream broke. */
  send(message: Outgoing): void;
  /** Idempotent; afterwards the listener gets no message that matters. */
  close(): void;
}

export interface WatchListener {
  message(message: Incoming): void;
  /** Called once. No message comes after it. */
  ended(error?: unknown): void;
}

/** The enforcer's connection with the consent service; the model test replaces it by a faulty network. */
export interface ConsentLink {
  /** Rejects where there was no answer. */
  decide(question: Question): Promise<Answer>;
  watch(listener: WatchListener): WatchStream;
}

/** The link over generated clients. `instance` is unique for the life of the process. */
export function createConsentLink(
  transport: Transport,
  instance: string,
  decideWithinMs: number,
): ConsentLink {
  const client = createClient(ConsentDecisionService, transport);
  const ask = async (question: Question, furtherCodes: readonly string[]) => {
    const asked = { question: { ...question }, furtherCodes: [...furtherCodes] };
    return client.decide(asked, { timeoutMs: decideWithinMs });
  };
  return {
    decide: createQuestionBatches(async (question, furtherCodes) => {
      const { decision, further } = await ask(question, furtherCodes);
      const first = answerOf(decision);
      if (further.length === furtherCodes.length) return [first, ...further.map(answerOf)];
      // A consent service of an earlier release answers the first question alone.
      const others = furtherCodes.map(async (code) =>
        answerOf((await ask({ ...question, code }, [])).decision),
      );
      return [first, ...(await Promise.all(others))];
    }),
    watch(listener) {
      const requests = createMessageQueue<WatchRequest["message"]>();
      const abort = new AbortController();
      async function* outgoing() {
        for await (const message of requests) yield { message };
      }
      const receive = async () => {
        for await (const response of client.watch(outgoing(), { signal: abort.signal })) {
          const message = incomingOf(response);
          if (message) listener.message(message);
        }
      };
      receive().then(
        () => listener.ended(),
        (error: unknown) => listener.ended(error),
      );
      return {
        send: (message) => requests.push(requestOf(message, instance)),
        close() {
          requests.end();
          abort.abort();
        },
      };
    },
  };
}

function requestOf(message: Outgoing, enforcer: string): WatchRequest["message"] {
  switch (message.kind) {
    case "open":
      return { case: "open", value: { $typeName: "wellapi.internal.consent.v1.OpenSession", enforcer } };
    case "renew": {
      const sequence = BigInt(message.sequence);
      return { case: "renew", value: { $typeName: "wellapi.internal.consent.v1.RenewSession", sequence } };
    }
    case "acknowledge": {
      const { recall } = message;
      return {
        case: "acknowledge",
        value: { $typeName: "wellapi.internal.consent.v1.AcknowledgeRecall", recall },
      };
    }
  }
}

/** A message of an unknown kind is skipped. If it is a newer service's recall, the renewal will not come. */
function incomingOf({ message }: WatchResponse): Incoming | undefined {
  switch (message.case) {
    case "opened":
      return { kind: "opened", ttlMs: message.value.ttlMs };
    case "renewed":
      return { kind: "renewed", sequence: Number(message.value.sequence) };
    case "recall":
      return recallOf(message.value);
    default:
      return undefined;
  }
}

function recallOf({ recall, partition, onlyWidens, grantees }: RecallPatient): Incoming {
  return { kind: "recall", recall, partition, onlyWidens, grantees };
}

/**
 * Turns the grants of the message into permits. Unknown content permits nothing: an unknown field of a grant drops
 * the grant, and an unknown field of the decision drops all of it, because it may restrict the grants. A decision
 * that both permits and denies is dropped, too.
 */
export function answerOf(decision: Decision | undefined): Answer {
  const reason = decision?.denialReason || DenialReason.NO_CONSENT;
  const denied = { denied: { permitted: false, reason } } as const;
  if (decision === undefined || isUnknown(decision)) return denied;
  if (decision.denialReason !== 0) {
    const { deniedUntil, grants } = decision;
    if (deniedUntil === undefined || grants.length > 0) return denied;
    return { ...denied, until: millisOf(deniedUntil, earliestTime) };
  }
  const [first, ...rest] = decision.grants.map(permitOf).filter((permit) => permit !== undefined);
  if (first === undefined) return denied;
  const permits = [first, ...rest] as const;
  const { disputes } = decision;
  return disputes.length === 0 ? { permits } : { permits, disputes: disputes.map(disputeOf) };
}

/** A field that is not known here makes no difference: it is a mark, which restricts nothing. */
function disputeOf({ organization, capturedWithin, device, record }: DisputeMessage): Dispute {
  return {
    organization,
    from: millisOf(capturedWithin?.startTime, earliestTime),
    to: millisOf(capturedWithin?.endTime, latestTime),
    ...(device === "" ? {} : { device }),
    ...(record === "" ? {} : { record }),
  };
}

const knownResolutions: ReadonlySet<Resolution> = new Set([
  Resolution.RAW,
  Resolution.HOURLY,
  Resolution.DAILY,
]);

/** What those who release data can leave out. */
const knownMasks: ReadonlySet<Mask> = new Set([Mask.DEVICE, Mask.NOTES, Mask.PERFORMER]);

const knownMethods: ReadonlySet<CaptureMethod> = new Set([
  CaptureMethod.SENSED,
  CaptureMethod.DERIVED,
  CaptureMethod.SELF_REPORTED,
  CaptureMethod.CLINICIAN,
]);

function permitOf(grant: Grant): DatedPermit | undefined {
  const { consent, version, provision, resolution, window, validity, emergency, deIdentified, masks } = grant;
  if (isUnknown(grant) || isUnknown(window) || isUnknown(validity)) return undefined;
  if (!knownResolutions.has(resolution)) return undefined;
  const lastMs = Number(grant.capturedInLastMs);
  if (consent === "" || version < 1 || provision < 0 || lastMs < 0) return undefined;
  if (grant.onlyOrganizations.length > 0 && grant.exceptOrganizations.length > 0) return undefined;
  if ([...grant.alsoDevices, ...grant.exceptDevices].some(isUnknown)) return undefined;
  if (grant.onlyMethods.length > 0 && grant.exceptMethods.length > 0) return undefined;
  if (![...grant.onlyMethods, ...grant.exceptMethods].every((one) => knownMethods.has(one))) return undefined;
  const sources = sourcesOf(grant);
  if (!masks.every((mask) => knownMasks.has(mask))) return undefined;
  // By the hour and by the day data is told device by device.
  if (masks.includes(Mask.DEVICE) && resolution !== Resolution.RAW) return undefined;
  const from = millisOf(window?.startTime, earliestTime);
  return {
    consent,
    version,
    provision,
    resolution,
    from,
    to: millisOf(window?.endTime, latestTime),
    ...(lastMs > 0 ? { sliding: { lastMs, from } } : {}),
    ...(sources ? { sources } : {}),
    ...(masks.length > 0 ? { masks: [...masks] } : {}),
    notBefore: millisOf(validity?.startTime, earliestTime),
    notAfter: millisOf(validity?.endTime, latestTime),
    ...(emergency ? { emergency } : {}),
    ...(deIdentified ? { deIdentified } : {}),
  };
}

/** Undefined: of all. */
function sourcesOf(grant: Grant): Sources | undefined {
  const { onlyOrganizations: only, exceptOrganizations: except } = grant;
  const [also, without] = [keysOf(grant.alsoDevices), keysOf(grant.exceptDevices)];
  const { onlyMethods, exceptMethods } = grant;
  const named = [only, except, [...also], [...without], onlyMethods, exceptMethods];
  if (named.flat().length === 0) return undefined;
  const some = only.length > 0 || (also.size > 0 && except.length === 0);
  return {
    ...(some ? { only: new Set(only) } : { except: new Set(except) }),
    ...(also.size > 0 ? { also } : {}),
    ...(without.size > 0 ? { without } : {}),
    ...(onlyMethods.length > 0 ? { onlyMethods: new Set(onlyMethods) } : {}),
    ...(exceptMethods.length > 0 ? { exceptMethods: new Set(exceptMethods) } : {}),
  };
}

function keysOf(devices: readonly Device[]): ReadonlySet<string> {
  return new Set(devices.map(({ organization, device }) => sourceDeviceKey(organization, device)));
}

/** Whether a newer consent service put a field into it that is not known here. */
function isUnknown(message: Message | undefined): boolean {
  return message?.$unknown !== undefined && message.$unknown.length > 0;
}

function millisOf(time: { seconds: bigint; nanos: number } | undefined, absent: number): number {
  return time ? Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6) : absent;
}
