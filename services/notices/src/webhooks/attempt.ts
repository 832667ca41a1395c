import type { DisableReason } from "./endpoint.ts";

/** Tries to deliver an event: the rules. Times are UTC milliseconds. */

export type AttemptOutcome =
  | "taken"
  | "refused"
  | "redirected"
  | "timed_out"
  | "not_connected"
  | "address_refused";

/** What came of one try: nothing of what the endpoint said but its status and the form of its answer. */
export interface Attempt {
  readonly time: number;
  readonly outcome: AttemptOutcome;
  /** 0: there was no answer. */
  readonly status: number;
  readonly latency: number;
  /** Media type; empty where the answer says none. */
  readonly type: string;
  /** So many bytes of the answer were read. */
  readonly bytes: number;
}

export type DeliveryState = "waiting" | "delivered" | "failed" | "withheld";

/** How far an event has come to an endpoint. */
export interface Progress {
  readonly state: DeliveryState;
  /** When it is tried next, where it waits. */
  readonly dueTime: number;
  /** When the first try since it began to wait was. */
  readonly firstTime?: number;
  /** Tries in all, and those since it began to wait. */
  readonly attemptCount: number;
  readonly tries: number;
  /** The last ones, oldest first. */
  readonly attempts: readonly Attempt[];
}

const SHOWN_ATTEMPTS = 10;
const FIRST_BACKOFF_MS = 5_000;
const BACKOFF_FACTOR = 4;
const LONGEST_BACKOFF_MS = 6 * 3_600_000;
/** An endpoint that is away is looked at as often as this, so that it gets what waits soon after it is back. */
const LONGEST_REST_MS = 30 * 60_000;
export const GIVEN_UP_AFTER_MS = 3 * 86_400_000;
export const DISABLED_AFTER_MS = 5 * 86_400_000;
const SILENCE_MS = 86_400_000;
const GONE = 410;

/** Of what begins to wait, at first or again. */
export function waiting(
  before: Pick<Progress, "attemptCount" | "attempts"> | undefined,
  now: number,
): Progress {
  const { attemptCount = 0, attempts = [] } = before ?? {};
  return { state: "waiting", dueTime: now, attemptCount, tries: 0, attempts };
}

/** After a try. */
export function afterAttempt(before: Progress, attempt: Attempt, now: number): Progress {
  const tries = before.tries + 1;
  const firstTime = before.firstTime ?? attempt.time;
  const shown = [...before.attempts, attempt].slice(-SHOWN_ATTEMPTS);
  const next = { attemptCount: before.attemptCount + 1, tries, firstTime, attempts: shown, dueTime: now };
  if (attempt.outcome === "taken") return { ...next, state: "delivered" };
  if (now - firstTime >= GIVEN_UP_AFTER_MS) return { ...next, state: "failed" };
  // The last try is at the end of the time, not at the last step before it.
  const dueTime = Math.min(now + backoff(tries, LONGEST_BACKOFF_MS), firstTime + GIVEN_UP_AFTER_MS);
  return { ...next, state: "waiting", dueTime };
}

/** How the endpoint as a whole has answered of late. */
export interface Health {
  /** Since when each try failed. */
  readonly failingSince?: number;
  /** When the last of them was. */
  readonly failedAt?: number;
  /** How many in a row. */
  readonly failures: number;
}

export const healthy: Health = { failures: 0 };

export function healthAfter(before: Health, { outcome, time }: Attempt): Health {
  if (outcome === "taken") return healthy;
  const { failingSince = time, failedAt = time, failures } = before;
  // What waits is tried at least every six hours: where there was nothing to try in between, nobody knows that it still failed.
  const since = time - failedAt > SILENCE_MS ? time : failingSince;
  return { failingSince: since, failedAt: time, failures: failures + 1 };
}

/** Why an endpoint gets nothing any more after this try; undefined: it goes on. */
export function disabledBy(
  { failingSince }: Health,
  { status }: Attempt,
  now: number,
): DisableReason | undefined {
  if (status === GONE) return "gone";
  return failingSince !== undefined && now - failingSince >= DISABLED_AFTER_MS ? "failing" : undefined;
}

/** How long an endpoint that fails is left alone. */
export function restOf({ failures }: Health): number {
  return failures === 0 ? 0 : backoff(failures, LONGEST_REST_MS);
}

function backoff(failures: number, longest: number): number {
  return Math.min(longest, FIRST_BACKOFF_MS * BACKOFF_FACTOR ** (failures - 1));
}

/** Whether nothing else can get through, either: no use to try the next event at once. */
export function isAway({ outcome }: Attempt): boolean {
  return outcome !== "taken" && outcome !== "refused" && outcome !== "redirected";
}
