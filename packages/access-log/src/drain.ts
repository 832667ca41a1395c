import { createPauses } from "@wellapi/runtime";
import { type DeliveryOptions, LeafDelivery } from "./leaf-delivery.ts";
import type { Reserve } from "./reserve.ts";
import { importReserve } from "./reserve-import.ts";

/** Moves leaves from the reserve to the outbox, and from the outbox to the audit service. */
export interface Drain {
  /** Call it when there may be leaves to move. */
  wake(): void;
  /** A commit has just succeeded: leaves that wait for the store can move now. */
  storeWorks(): void;
  /** Whether audit refused the last leaves because its log is damaged. */
  logDamaged(): boolean;
  /** Resolves once a pass has moved everything, or the drain is closed. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

export interface DrainOptions extends DeliveryOptions {
  readonly reserve: Reserve;
  /** First retry delay in milliseconds, doubled to `backoffMs * 4` at most. */
  readonly backoffMs: number;
  /** How long a wake waits for others, in milliseconds: under load, leaves then travel in groups. */
  readonly gatherMs: number;
}

export function createDrain(options: DrainOptions): Drain {
  const { store, reserve, log } = options;
  const abort = new AbortController();
  const delivery = new LeafDelivery(options, abort.signal);
  let running: Promise<void> | undefined;
  let again = false;
  const pauses = createPauses();
  /** How many callers wait for the drain: with any, it does not gather. */
  let waiters = 0;
  /** A commit succeeded since the pass began, so a step that failed is worth trying again at once. */
  let storeWorked = false;

  function wake(): void {
    again = true;
    if (running === undefined && !abort.signal.aborted) running = run();
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (again && !abort.signal.aborted) {
      if (waiters === 0 && failures === 0) await pauses.pause(options.gatherMs);
      again = false;
      storeWorked = false;
      // Neither waits for the other: with a full disk the outbox can still be read and delivered.
      const results = await Promise.allSettled([moveReserve(), delivery.deliverAll()]);
      const failed = results.find((result) => result.status === "rejected");
      if (failed === undefined) {
        failures = 0;
      } else if (!abort.signal.aborted) {
        again = true;
        failures += 1;
        log.warn({ err: failed.reason, attempt: failures }, "leaves could not be moved; trying again");
        const reserveMayMove = storeWorked && reserve.held().length > 0;
        if (!reserveMayMove) await pauses.pause(options.backoffMs * 2 ** Math.min(failures - 1, 2));
      }
    }
    // In the same turn as the loop's last read of `again`, so that no wake is lost.
    running = undefined;
  }

  async function moveReserve(): Promise<void> {
    const count = await importReserve(store, reserve);
    if (count === 0) return;
    log.info({ count }, "the reserve's leaves are in the store again");
    again = true;
  }

  return {
    wake,
    storeWorks() {
      storeWorked = true;
      if (reserve.held().length > 0) pauses.end();
    },
    logDamaged: () => delivery.logDamaged,
    async drained() {
      waiters += 1;
      wake();
      pauses.end();
      while (running !== undefined) await running;
      waiters -= 1;
    },
    async close() {
      abort.abort();
      pauses.end();
      await running;
    },
  };
}
