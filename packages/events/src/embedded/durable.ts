import type { OutboxEvent } from "@wellapi/store";
import { deadLetterError, subjectsOf } from "../check.ts";
import { EventsError } from "../errors.ts";
import type { Consumer, Consumption } from "../port.ts";
import { backoff, type Clock, createSignal } from "../signal.ts";
import { createSubjectFilter } from "../subjects.ts";
import { type LoggedEvent, PARTITION, type Retry } from "./collections.ts";
import type { DurableState, Setback } from "./durable-state.ts";
import type { EventLog } from "./log.ts";

/** Delivers to the consumers of one durable name, one batch at a time. */
export interface DurableDelivery {
  readonly cursor: number;
  join(consumption: Consumption): Consumer;
  /** Delivers dead letters once more: all, or those with these ids. Returns how many. */
  replay(ids: readonly string[] | undefined): Promise<number>;
  wake(): void;
  close(): Promise<void>;
}

export interface DurableDeps {
  readonly state: DurableState;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  /** The cursor has moved, so the log may be pruned. */
  readonly onAdvanced: () => void;
}

interface Member {
  readonly consumption: Consumption;
  readonly wants: (subject: string) => boolean;
}

/** Nothing is due. Publishing wakes the loop; this slow look is for a wake that was missed. */
const IDLE_MS = 60_000;
const STORE_BACKOFF_MS = 200;
const READ_AHEAD = 256;
const MAX_UNSTORED_SKIP = 1000;

export function createDurableDelivery({
  state,
  log,
  clock,
  onError,
  onAdvanced,
}: DurableDeps): DurableDelivery {
  const members: Member[] = [];
  const signal = createSignal();
  let running: Promise<void> | undefined;
  let closing = false;
  /** Settles when the step under way has ended. */
  let step: Promise<unknown> = Promise.resolve();
  /** False only where no dead letter is known to be stored; saves a read for each batch. */
  let mayHaveRetries = true;
  let failedBatches = 0;
  let pausedUntil = 0;

  /** Makes one delivery at most. Returns the milliseconds to wait before the next, 0 for none. */
  const takeStep = async (member: Member): Promise<number> => {
    const retry = mayHaveRetries ? await state.nextRetry() : undefined;
    mayHaveRetries = retry !== undefined;
    const now = clock.now();
    if (retry && retry.dueAt <= now) {
      await redeliver(member, retry);
      return 0;
    }
    const head = log.head();
    const hasNews = state.cursor < head;
    if (hasNews && now >= pausedUntil) {
      await deliverNext(member, head);
      return 0;
    }
    const waits = [IDLE_MS];
    if (retry) waits.push(retry.dueAt - now);
    if (hasNews) waits.push(pausedUntil - now);
    return Math.max(1, Math.min(...waits));
  };

  const deliverNext = async ({ consumption, wants }: Member, head: number) => {
    const entries = await log.readAfter(state.cursor, READ_AHEAD);
    const wanted = entries.filter(({ event }) => wants(event.subject));
    const batch = wanted.slice(0, consumption.batch ?? 64);
    const cursor = batch.length < wanted.length ? batch.at(-1)!.sequence : (entries.at(-1)?.sequence ?? head);
    if (batch.length === 0) {
      state.skipTo(cursor);
      await state.flush(MAX_UNSTORED_SKIP);
      onAdvanced();
      return;
    }
    const error = await attempt(
      consumption,
      batch.map(({ event }) => ({ ...event, attempt: 1 })),
    );
    if (error === undefined) {
      await state.advance(cursor);
      failedBatches = 0;
    } else {
      mayHaveRetries = true;
      await state.advance(
        cursor,
        batch.map((entry) => setbackOf(consumption, entry, 1, error)),
      );
      // If everything fails, new events wait as the failed ones do, and do not use up their attempts.
      failedBatches += 1;
      pausedUntil = clock.now() + backoff(consumption.backoffMs ?? 200, failedBatches);
    }
    onAdvanced();
  };

  const redeliver = async ({ consumption }: Member, retry: Retry) => {
    const error = await attempt(consumption, [{ ...retry.event, attempt: retry.attempts + 1 }]);
    if (error === undefined) {
      await state.settleRetry(retry);
      failedBatches = 0;
      pausedUntil = 0;
    } else {
      await state.settleRetry(retry, setbackOf(consumption, retry, retry.attempts + 1, error));
    }
  };

  const attempt = async (
    { handle }: Consumption,
    events: ReadonlyArray<OutboxEvent & { readonly attempt: number }>,
  ): Promise<{ readonly cause: unknown } | undefined> => {
    try {
      await handle(events);
      return undefined;
    } catch (cause) {
      onError(cause);
      return { cause };
    }
  };

  const setbackOf = (
    { durable, maxAttempts = 10, backoffMs = 200 }: Consumption,
    { sequence, event }: LoggedEvent,
    attempts: number,
    { cause }: { readonly cause: unknown },
  ): Setback => {
    const entry = { partition: PARTITION, durable, sequence, event };
    if (attempts < maxAttempts) {
      const dueAt = clock.now() + backoff(backoffMs, attempts);
      return { kind: "retry", retry: { ...entry, attempts, dueAt } };
    }
    return { kind: "deadLetter", deadLetter: { ...entry, error: deadLetterError(cause) } };
  };

  const run = async () => {
    let failures = 0;
    while (!closing) {
      // Members take turns.
      const member = members.shift();
      if (member) members.push(member);
      const taking = member ? takeStep(member) : Promise.resolve(IDLE_MS);
      step = taking.catch(() => undefined);
      let waitMs: number;
      try {
        waitMs = await taking;
        failures = 0;
      } catch (error) {
        // The store fails: nothing was acknowledged, so nothing is lost.
        onError(error);
        failures += 1;
        waitMs = backoff(STORE_BACKOFF_MS, failures);
      }
      if (waitMs > 0 && !closing) await signal.wait(waitMs);
    }
  };

  return {
    get cursor() {
      return state.cursor;
    },
    join(consumption) {
      const subjects = subjectsOf(consumption);
      if (members.some((other) => subjectsOf(other.consumption) !== subjects)) {
        throw new EventsError("invalid", "consumers of one durable name the same subjects");
      }
      const member = { consumption, wants: createSubjectFilter(consumption.subjects) };
      members.push(member);
      running ??= run();
      signal.wake();
      return {
        async close() {
          const place = members.indexOf(member);
          if (place >= 0) members.splice(place, 1);
          await step;
        },
      };
    },
    async replay(ids) {
      const replayed = await state.replay(ids && new Set(ids), clock.now());
      mayHaveRetries = true;
      signal.wake();
      return replayed;
    },
    wake: signal.wake,
    async close() {
      closing = true;
      signal.wake();
      await running;
      await state.flush(0).catch(onError);
    },
  };
}
