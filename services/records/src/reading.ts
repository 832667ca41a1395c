import type { Logger } from "@wellapi/runtime";
import type { Vault } from "@wellapi/vault";
import type { Reading } from "./consent-client.ts";
import { RecordsError } from "./errors.ts";
import { asRecordsError } from "./failure-convert.ts";
import type { Gate } from "./gate.ts";
import { type Grant, ownGrant, rawGrant } from "./grant.ts";
import type { Intent, Result } from "./intent.ts";
import type { Interval } from "./interval.ts";
import { checkNotErased } from "./patient-box.ts";
import type { Subject } from "./subject.ts";

/** A read under way: who reads whom, and what may be released now. */
export interface Read {
  readonly intent: Intent;
  readonly subject: Subject;
  /** Decides now. Throws CONSENT_REQUIRED, EnforcerError `undecided`. */
  reading(code: string): Promise<Reading>;
  /** Decides now about samples as recorded within `bounds`. Throws also RESOLUTION_TOO_FINE. */
  grant(code: string, bounds: Interval): Promise<Grant>;
}

/** What a unary read found, before its entry is logged. */
export interface Found<T> {
  readonly items: number;
  /** Where the call did not name them. */
  readonly codes?: readonly string[];
  readonly permits: ReadonlyArray<{ readonly consent: string; readonly version: number }>;
  /** The answer, given the id of the log's entry. */
  readonly answer: (access: string) => T;
}

export interface ReadingDeps {
  readonly gate: Gate;
  readonly vault: Vault;
  readonly log: Logger;
}

function beginRead({ gate, vault }: ReadingDeps, intent: Intent): Read {
  const { caller, purpose } = intent;
  const subject = gate.subject(caller, intent.patient);
  const reading = async (code: string) => {
    const decided = await gate.reading(subject, caller.principal.organization, code, purpose ?? 0);
    if (decided.own) await checkNotErased(vault, subject.partition);
    return decided;
  };
  return {
    intent,
    subject,
    reading,
    async grant(code, bounds) {
      const decided = await reading(code);
      if (decided.own) return ownGrant(bounds);
      const grant = rawGrant(decided.permits, bounds);
      if (grant === undefined) throw new RecordsError("RESOLUTION_TOO_FINE");
      return grant;
    },
  };
}

/** A unary read: its entry is durable before the answer leaves. */
export async function readOnce<T>(
  deps: ReadingDeps,
  intent: Intent,
  work: (read: Read) => Promise<Found<T>>,
): Promise<T> {
  const { gate } = deps;
  const read = beginRead(deps, intent);
  try {
    const { items, permits, answer, codes = intent.codes } = await work(read);
    return answer(await gate.record({ ...intent, codes }, read.subject, { items, consents: permits }));
  } catch (error) {
    throw await gate.refusal(intent, read.subject, error);
  }
}

/** An open stream of a read. */
export interface OpenRead extends Read {
  /** The opening entry. */
  readonly access: string;
  /** Samples sent so far; the stream counts them. */
  sent: number;
  /** Logs that the consents which permit the stream are others now; durable before it resolves. */
  changed(grants: readonly Grant[]): Promise<void>;
}

/**
 * A streamed read: one entry before its first byte, one when its consents change, one at its end with what was
 * sent. A no in the middle ends it with CONSENT_REVOKED.
 */
export async function* readStream<T>(
  deps: ReadingDeps,
  intent: Intent,
  open: (read: Read) => Promise<readonly Grant[]>,
  stream: (read: OpenRead, grants: readonly Grant[]) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const { gate, log } = deps;
  const read = beginRead(deps, intent);
  const { subject } = read;
  const record = (result: Result) => gate.record(intent, subject, result);
  let grants: readonly Grant[];
  let access: string;
  try {
    grants = await open(read);
    access = await record({ phase: "opened", consents: permitsOf(grants) });
  } catch (error) {
    throw await gate.refusal(intent, subject, error);
  }
  const opened: OpenRead = {
    ...read,
    access,
    sent: 0,
    async changed(now) {
      grants = now;
      await record({ phase: "changed", consents: permitsOf(now), openedBy: access });
    },
  };
  let end: Pick<Result, "outcome" | "reason"> = { reason: "CANCELED" };
  try {
    yield* stream(opened, grants);
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
      consents: permitsOf(grants),
      openedBy: access,
    };
    await record(closing).catch((error: unknown) => {
      log.error({ err: error }, "the closing entry of a read was not logged");
    });
  }
}

/** Data flowed under a consent before, so it was not missing: it was taken back, ran out or was narrowed. */
function midStream(error: unknown): unknown {
  return error instanceof RecordsError && error.code === "CONSENT_REQUIRED"
    ? new RecordsError("CONSENT_REVOKED", { cause: error, logged: error.logged })
    : error;
}

function ending(error: unknown): Pick<Result, "outcome" | "reason"> {
  if (!(error instanceof RecordsError)) return { reason: "INTERNAL" };
  if (error.code === "UNDECIDED") return { outcome: "undecided", reason: error.logged };
  const denial = error.code === "CONSENT_REVOKED" || error.code === "RESOLUTION_TOO_FINE";
  return { ...(denial ? { outcome: "denied" as const } : {}), reason: error.logged };
}

export function permitsOf(grants: readonly Grant[]) {
  return grants.flatMap(({ permits }) => permits);
}
