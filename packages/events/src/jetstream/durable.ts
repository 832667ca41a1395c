import { deadLetterError, subjectsOf } from "../check.ts";
import { EventsError } from "../errors.ts";
import type { Consumer, Consumption } from "../port.ts";
import { backoff, createSignal } from "../signal.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { ACK_WAIT_MS } from "./declaration.ts";
import { type Delivery, giveAllBack, type Puller } from "./pull.ts";

/** Delivers to this process's consumers of one durable, one batch at a time. */
export interface DurableDelivery {
  join(consumption: Consumption): Consumer;
  close(): Promise<void>;
}

export interface DurableDeps {
  readonly durable: string;
  readonly puller: Puller;
  readonly deadLetters: Pick<DeadLetters, "add">;
  /** Releases the durable, so that another process can take it at once. */
  readonly unpin: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

const IDLE_MS = 60_000;
const FAILURE_BACKOFF_MS = 200;
const MAX_FAILURE_BACKOFF_MS = 2000;
const RENEW_MS = ACK_WAIT_MS / 3;
const DEFAULT_BATCH = 64;
const DEFAULT_ATTEMPTS = 10;
const DEFAULT_BACKOFF_MS = 200;

export function createDurableDelivery({
  durable,
  puller,
  deadLetters,
  unpin,
  onError,
}: DurableDeps): DurableDelivery {
  const members: Consumption[] = [];
  const signal = createSignal();
  let running: Promise<void> | undefined;
  let closing = false;
  /** The step under way, and whether the server has all of its answers. */
  let step: Promise<boolean> = Promise.resolve(true);
  let taking = false;
  let failedBatches = 0;
  let pausedUntil = 0;

  /** A closed member gets no more of the events that were taken for it. */
  const isMember = (member: Consumption) => !closing && members.includes(member);

  const takeStep = async (member: Consumption): Promise<void> => {
    taking = true;
    const taken = await puller.take(member.batch ?? DEFAULT_BATCH).finally(() => {
      taking = false;
    });
    if (taken.length === 0) return;
    const held = new Set(taken);
    const renewing = setInterval(() => {
      for (const delivery of held) delivery.renew();
      puller.keepPin();
    }, RENEW_MS);
    try {
      for (const group of inGroups(taken)) {
        if (isMember(member)) await deliver(member, group);
        else await giveAllBack(group);
        for (const delivery of group) held.delete(delivery);
      }
    } finally {
      clearInterval(renewing);
    }
  };

  const deliver = async (member: Consumption, group: readonly Delivery[]) => {
    const { maxAttempts = DEFAULT_ATTEMPTS, backoffMs = DEFAULT_BACKOFF_MS } = member;
    const [first] = group;
    if (first && first.attempt > maxAttempts) {
      // Its process ended at the last attempt, or between the dead letter and the acknowledgement.
      await bury(first, `${maxAttempts} deliveries were not acknowledged`);
      return;
    }
    try {
      await member.handle(group.map(({ event, attempt }) => ({ ...event, attempt })));
    } catch (error) {
      onError(error);
      if (first?.attempt === 1) {
        // If everything fails, new events wait as the failed ones do, and do not use up their attempts.
        failedBatches += 1;
        pausedUntil = performance.now() + backoff(backoffMs, failedBatches);
      }
      for (const delivery of group) {
        if (delivery.attempt >= maxAttempts) await bury(delivery, deadLetterError(error));
        else delivery.retryAfter(backoff(backoffMs, delivery.attempt));
      }
      return;
    }
    failedBatches = 0;
    pausedUntil = 0;
    for (const delivery of group.slice(0, -1)) delivery.settleLater();
    // They go over one connection, in order: with the last one the server has them all.
    await group.at(-1)?.settle();
  };

  const bury = async (delivery: Delivery, error: string) => {
    await deadLetters.add(durable, delivery.sequence, delivery.event, error);
    await delivery.settle();
  };

  const run = async () => {
    let failures = 0;
    while (!closing) {
      const pauseMs = members.length === 0 ? IDLE_MS : pausedUntil - performance.now();
      if (pauseMs > 0) {
        await signal.wait(pauseMs);
        continue;
      }
      // Members take turns.
      const member = members.shift()!;
      members.push(member);
      const stepping = takeStep(member);
      step = stepping.then(
        () => true,
        () => false,
      );
      try {
        await stepping;
        failures = 0;
      } catch (error) {
        // Nothing was acknowledged, so nothing is lost: the batch comes back after the server's wait.
        onError(error);
        failures += 1;
        const waitMs = Math.min(MAX_FAILURE_BACKOFF_MS, backoff(FAILURE_BACKOFF_MS, failures));
        if (!closing) await signal.wait(waitMs);
      }
    }
  };

  const stopTaking = async () => {
    if (taking) await puller.interrupt();
    // Without the server's word for each answer the durable passes on after its wait, when what was out is back.
    if (!(await step) || members.length > 0 || !puller.pinned) return;
    await puller.giveBack().then(unpin).catch(onError);
  };

  return {
    join(consumption) {
      if (members.some((other) => subjectsOf(other) !== subjectsOf(consumption))) {
        throw new EventsError("invalid", "consumers of one durable name the same subjects");
      }
      // A copy, so that two consumers with the same fields are distinct.
      const member = { ...consumption };
      members.push(member);
      running ??= run();
      signal.wake();
      return {
        async close() {
          const place = members.indexOf(member);
          if (place < 0) return step.then(() => undefined);
          members.splice(place, 1);
          await stopTaking();
        },
      };
    },
    async close() {
      closing = true;
      members.length = 0;
      signal.wake();
      await stopTaking();
      await running;
      puller.close();
    },
  };
}

/** New events together; each redelivered one alone. In the order in which they came. */
function inGroups(taken: readonly Delivery[]): Delivery[][] {
  const groups: Delivery[][] = [];
  for (const delivery of taken) {
    const group = groups.at(-1);
    if (delivery.attempt === 1 && group?.[0]?.attempt === 1) group.push(delivery);
    else groups.push([delivery]);
  }
  return groups;
}
