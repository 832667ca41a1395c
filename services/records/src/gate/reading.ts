import type { AnswerInFlight, Answers } from "@wellapi/enforcer";
import type { FairShare, Logger } from "@wellapi/runtime";
import type { Terminology } from "@wellapi/terminology";
import { isWithoutKey, type Vault } from "@wellapi/vault";
import { RecordsError, refusal } from "../errors.ts";
import type { Interval } from "../model/interval.ts";
import type { ReadDecision } from "./consent-client.ts";
import { asRecordsError } from "./failure-convert.ts";
import type { Gate } from "./gate.ts";
import type { Intent, ReadPart, Result, UsedPermit } from "./intent.ts";
import {
  type CodePermit,
  type ConsentPermit,
  coversRaw,
  type Fineness,
  ownPermit,
  rawPermit,
  signatureOf,
} from "./permit.ts";
import { type Subject, tenantOf } from "./subject.ts";
import { type CodesWithin, isWithin } from "./token-scope.ts";

/** A read under way: the reader, the patient, and what may be released now. */
export interface Read {
  readonly intent: Intent;
  readonly subject: Subject;
  /**
   * Decides now about data within `bounds`; undefined: whether there is any. What consents permit whole, as recorded, is read under
   * them alone. A read that reaches beyond falls under emergency access, where there is one, with what policies ask for that: in
   * an emergency an answer is refused, and never cut to what the consents permit. Throws CONSENT_REQUIRED, POLICY_DENIED,
   * ASSURANCE_REQUIRED, EnforcerError `undecided`.
   */
  decide(code: string, bounds: Interval | undefined): Promise<ReadDecision>;
  /** Decides now about samples as recorded within `bounds`. Throws also RESOLUTION_TOO_FINE. */
  codePermit(code: string, bounds: Interval): Promise<CodePermit>;
}

/** The result of a unary read, before its entry is logged. */
export interface Found<T> {
  readonly items: number;
  /** Of the values that are sent; undefined: none are. What is finer than an hour counts as raw, as consents have it. */
  readonly fineness: Fineness | undefined;
  /** Only where the call did not name them. */
  readonly codes?: readonly string[];
  readonly permits: readonly UsedPermit[];
  /** Of a preview: the organization whose view it was. */
  readonly previewed?: string;
  /** Of several sources: what was found in each. */
  readonly parts?: readonly ReadPart[];
  /** The answer, given the id of the log's entry. */
  readonly answer: (access: string) => T;
}

export interface ReadingDeps {
  readonly gate: Gate;
  /** Reports whether a change has taken something away since a read began. */
  readonly answers: Pick<Answers, "begin">;
  readonly vault: Vault;
  /** The codes and their ranges: the same for every service that decides. */
  readonly terminology: Terminology;
  /** Parts the process among organizations and patients: unary reads compute, some of them for long. */
  readonly share: FairShare;
  readonly log: Logger;
}

export function beginRead({ gate, vault }: ReadingDeps, intent: Intent): Read {
  const { caller, purpose, within } = intent;
  const subject = gate.subject(caller, intent.patient);
  const decide = async (code: string, bounds: Interval | undefined): Promise<ReadDecision> => {
    if (subject.outsideToken || !isWithin(within, code)) throw outsideScopes(caller);
    if (!subject.own) await gate.policy.checkRead(caller, code, purpose ?? 0);
    const decided = await gate.decideRead(subject, caller.principal, code, purpose ?? 0, intent.deIdentified);
    if (decided.own) {
      await checkNotErased(vault, subject.partition);
      return decided;
    }
    intent.disputes?.note(code, decided);
    const used = await withoutNeedless(code, bounds, decided.permits);
    // What leaves de-identified is not told with what belongs to one patient.
    if (!intent.deIdentified) intent.consents?.note(code, used);
    return used === decided.permits ? decided : { own: false, permits: used };
  };
  /** The permits without those of emergency access where consents do without. Throws POLICY_DENIED, ASSURANCE_REQUIRED. */
  const withoutNeedless = async (
    code: string,
    bounds: Interval | undefined,
    permits: readonly ConsentPermit[],
  ): Promise<readonly ConsentPermit[]> => {
    if (!permits.some(({ emergency }) => emergency)) return permits;
    const consents = permits.filter(({ emergency }) => !emergency);
    if (bounds !== undefined && coversRaw(consents, bounds)) return consents;
    // Policies may forbid to read what no consent permits.
    await gate.policy.checkRead(caller, code, purpose ?? 0, true);
    return permits;
  };
  return {
    intent,
    subject,
    decide,
    codePermit: (code, bounds) => codePermitOf(decide, code, bounds),
  };
}

/**
 * Throws VaultError `destroyed` for an erased patient, who has no data to read and needs no consent. A patient
 * without sealed data has no key, and passes.
 */
async function checkNotErased(vault: Vault, partition: string): Promise<void> {
  try {
    await vault.key(partition, "data");
  } catch (error) {
    if (!isWithoutKey(error)) throw error;
  }
}

/** Calls of a tenant that wait for their turn: a call whose caller has left waits, too, and must not fill the memory. */
const mostWaiting = 1_000;
/** Consent may change during a read; after this many changes the caller has to ask again. */
const MOST_READS = 3;
export const MOST_DECISIONS = 5;

/**
 * A unary read: its entry is durable before the answer leaves, and the answer leaves under the decisions that are in
 * force then. If a change has taken something away since the read began, the read is decided again. With the same
 * decision the answer stands; with another permit the data is read again under it; with a denial nothing leaves. If
 * an entry already said that data was released, another entry follows and says that the data was withheld.
 */
export async function readOnce<T>(
  deps: ReadingDeps,
  intent: Intent,
  work: (read: Read) => Promise<Found<T>>,
): Promise<T> {
  const read = beginRead(deps, intent);
  return answerOnce(deps, read, () => createDecisions(deps, read), work);
}

/** As `readOnce`, by decisions of another kind: `decide` begins them, for each time that the data is read. */
export async function answerOnce<R, T>(
  { gate, share }: ReadingDeps,
  { intent, subject }: Pick<Read, "intent" | "subject">,
  decide: () => Decisions<R>,
  work: (read: R) => Promise<Found<T>>,
): Promise<T> {
  const tenant = tenantOf(intent.caller);
  if (share.waiting(tenant) >= mostWaiting) throw new RecordsError("TOO_MANY_CALLS");
  for (let reads = 1; ; reads++) {
    const decisions = decide();
    let entry: Intent;
    let found: Found<T>;
    let access: string;
    try {
      if (reads > MOST_READS) throw new RecordsError("UNDECIDED");
      found = await share.run(tenant, () => work(decisions.read));
      if (!(await decisions.stand())) continue;
      // The reader's own log must not tell which patient an anonymous record is of: neither what was found nor how much.
      const said: Pick<Found<T>, "items" | "codes" | "fineness" | "parts"> = intent.deIdentified
        ? { items: 0, codes: [], fineness: undefined }
        : found;
      const { items, codes = intent.codes, fineness, parts = [] } = said;
      entry = { ...intent, codes };
      const { permits: consents, previewed } = found;
      access = await gate.record(entry, subject, { items, consents, fineness, previewed, parts });
    } catch (error) {
      // An entry, too, so that who asks for what is denied, many times at once, waits for its own entries.
      throw await share.run(tenant, () => gate.refusal(intent, subject, error));
    }
    let refused: unknown;
    try {
      if (await decisions.stand()) return found.answer(access);
    } catch (error) {
      refused = asRecordsError(error);
    }
    const withheld = ending(midStream(refused ?? new RecordsError("CONSENT_REVOKED")));
    await gate
      .record(entry, subject, { ...withheld, phase: "closed", openedBy: access })
      .catch((error: unknown) => {
        throw asRecordsError(error);
      });
    if (refused !== undefined) throw refused;
  }
}

interface Decided {
  readonly code: string;
  readonly bounds: Interval | undefined;
  readonly signature: string;
}

export interface Decisions<R> {
  /** Remembers the decisions of a read. */
  readonly read: R;
  /**
   * Whether all decisions are still in force: at once where no change has taken anything away, else by deciding
   * again. Throws CONSENT_REQUIRED, EnforcerError `undecided`.
   */
  stand(): Promise<boolean>;
}

function createDecisions({ answers }: ReadingDeps, read: Read): Decisions<Read> {
  const { partition } = read.subject;
  /** By code and bounds. */
  const made = new Map<string, Decided>();
  const begin = (): AnswerInFlight => {
    const flight = answers.begin();
    flight.about(partition, read.subject.own ? undefined : read.intent.caller.principal.organization);
    return flight;
  };
  let flight = begin();
  const decide = async (code: string, bounds: Interval | undefined): Promise<ReadDecision> => {
    const decided = await read.decide(code, bounds);
    const signature = decided.own ? "own" : signatureOf(decided.permits);
    made.set(`${code} ${bounds?.from} ${bounds?.to}`, { code, bounds, signature });
    return decided;
  };
  return {
    read: { ...read, decide, codePermit: (code, bounds) => codePermitOf(decide, code, bounds) },
    async stand() {
      for (let attempt = 0; attempt < MOST_DECISIONS; attempt++) {
        const objection = flight.objection();
        // A patient's read of their own data needs no consent, so it needs no session.
        if (objection === undefined || (objection === "unsure" && read.subject.own)) return true;
        flight = begin();
        // At once, so that they are one question to the consent service; judged in the order in which they were made.
        const before = [...made];
        const again = await Promise.allSettled(before.map(([, { code, bounds }]) => decide(code, bounds)));
        for (const [at, [key, { signature }]] of before.entries()) {
          const one = again[at]!;
          if (one.status === "rejected") throw one.reason;
          if (made.get(key)!.signature !== signature) return false;
        }
      }
      throw new RecordsError("UNDECIDED");
    },
  };
}

/** The read, of what these scopes leave alone: for a part of it that other scopes are for. */
export function readWithin(read: Read, within: CodesWithin): Read {
  const decide: Read["decide"] = async (code, bounds) => {
    if (!isWithin(within, code)) throw outsideScopes(read.intent.caller);
    return read.decide(code, bounds);
  };
  return { ...read, decide, codePermit: (code, bounds) => codePermitOf(decide, code, bounds) };
}

function outsideScopes({ principal }: Intent["caller"]): RecordsError {
  return refusal(principal.hides === undefined ? "SCOPE_REQUIRED" : "NOT_FOR_REPRESENTATIVES");
}

export async function codePermitOf(
  decide: Read["decide"],
  code: string,
  bounds: Interval,
): Promise<CodePermit> {
  const decided = await decide(code, bounds);
  if (decided.own) return ownPermit(bounds);
  const codePermit = rawPermit(decided.permits, bounds);
  if (codePermit === undefined) throw new RecordsError("RESOLUTION_TOO_FINE");
  return codePermit;
}

/** An open stream of a read. */
export interface OpenRead extends Read {
  /** The opening entry. */
  readonly access: string;
  /** Samples sent so far; the stream counts them. */
  sent: number;
  /** Logs that the stream continues under other consents; durable before it resolves. */
  changed(codePermits: readonly CodePermit[]): Promise<void>;
}

/**
 * A streamed read: one entry before its first byte, one when its consents change, one at its end with what was sent.
 * A denial during the stream ends it with CONSENT_REVOKED.
 */
export async function* readStream<T>(
  deps: ReadingDeps,
  intent: Intent,
  open: (read: Read) => Promise<readonly CodePermit[]>,
  stream: (read: OpenRead, codePermits: readonly CodePermit[]) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const { gate, share, log } = deps;
  const read = beginRead(deps, intent);
  const { subject } = read;
  const fineness = intent.deIdentified ? undefined : "raw";
  const record = (result: Result) => gate.record(intent, subject, { fineness, ...result });
  let codePermits: readonly CodePermit[];
  let access: string;
  try {
    // A turn to begin: a thousand streams of one tenant at once would keep everybody waiting until the last is decided. It
    // ends before the decision, which waits for a session where there is none, and many may wait together.
    await share.run(tenantOf(intent.caller), async () => {});
    codePermits = await open(read);
    access = await record({ phase: "opened", consents: consentPermitsOf(codePermits) });
  } catch (error) {
    throw await gate.refusal(intent, subject, error);
  }
  const opened: OpenRead = {
    ...read,
    access,
    sent: 0,
    async changed(now) {
      codePermits = now;
      await record({ phase: "changed", consents: consentPermitsOf(now), openedBy: access });
    },
  };
  let end: Pick<Result, "outcome" | "reason"> = { reason: "CANCELED" };
  try {
    yield* stream(opened, codePermits);
    end = {};
  } catch (error) {
    const problem = midStream(asRecordsError(error));
    end = ending(problem);
    throw problem;
  } finally {
    const closing = {
      ...end,
      phase: "closed" as const,
      items: opened.sent,
      consents: consentPermitsOf(codePermits),
      openedBy: access,
    };
    await record(closing).catch((error: unknown) => {
      log.error({ err: error }, "the closing entry of a read was not logged");
    });
  }
}

/** Data was sent under a consent before, so the consent was not missing: it was revoked, ran out or was narrowed. */
function midStream(error: unknown): unknown {
  return error instanceof RecordsError && error.code === "CONSENT_REQUIRED"
    ? new RecordsError("CONSENT_REVOKED", { cause: error, logged: error.logged })
    : error;
}

function ending(error: unknown): Pick<Result, "outcome" | "reason"> {
  if (!(error instanceof RecordsError)) return { reason: "INTERNAL" };
  if (error.code === "UNDECIDED") return { outcome: "undecided", reason: error.logged };
  const denial =
    error.code === "CONSENT_REVOKED" ||
    error.code === "RECORD_FROZEN" ||
    error.code === "POLICY_DENIED" ||
    error.code === "ASSURANCE_REQUIRED" ||
    error.code === "RESOLUTION_TOO_FINE";
  return { ...(denial ? { outcome: "denied" as const } : {}), reason: error.logged };
}

export function consentPermitsOf(codePermits: readonly CodePermit[]) {
  return codePermits.flatMap(({ permits }) => permits);
}

/**
 * Throws for who has no consent of the patient: they get the answer that an unknown patient gives, and learn nothing from what is
 * missing. Returns what policies refuse, which holds only for what consents do not permit whole: the refusal of a read to which
 * anything else belongs.
 */
export async function refuseStrangers(read: Read): Promise<RecordsError | undefined> {
  try {
    await read.decide("", undefined);
  } catch (error) {
    if (error instanceof RecordsError && error.code === "POLICY_DENIED") return error;
    // Whether an emergency needs a confirmation is asked for with each code: consents may do without.
    const known =
      error instanceof RecordsError &&
      (error.logged === "CONSENT_CATEGORY" || error.code === "ASSURANCE_REQUIRED");
    if (!known) throw error;
  }
  return undefined;
}
