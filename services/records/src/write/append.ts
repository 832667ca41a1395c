import type { Caller } from "@wellapi/rpc";
import { currentTrace } from "@wellapi/runtime";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import type { CodesWithin } from "../gate/token-scope.ts";
import { type AppendDeps, createGroupCommit, type Pending } from "./append-group.ts";
import { type Batch, type BatchOutcome, goodItems } from "./batch.ts";

/** Commits of one patient are queued, so only other replicas can make a guard fail. */
const MAX_ATTEMPTS = 16;
/** Most batches, and most bytes of them, that share a commit. */
const GROUP_BATCHES = 64;
const GROUP_BYTES = 4 * 1024 * 1024;

/**
 * Stores batches. Batches that arrive during a commit of the same patient go into the next one together; each is
 * still judged, numbered, logged and answered separately, in the order of arrival.
 */
export function createAppend(deps: AppendDeps) {
  const { gate, queue } = deps;
  const attempt = createGroupCommit(deps);
  const waiting = new Map<string, Pending[]>();

  /**
   * The next group of a patient. A repeated batch waits for the group after it, where it finds the first one's
   * receipt.
   */
  function takeGroup(partition: string): Pending[] {
    const all = waiting.get(partition) ?? [];
    const names = new Set<string>();
    let bytes = 0;
    let taken = 0;
    for (const { organization, batch } of all) {
      const name = JSON.stringify([organization, batch.requestId]);
      bytes += batch.size;
      if (names.has(name) || taken >= GROUP_BATCHES || (taken > 0 && bytes > GROUP_BYTES)) break;
      names.add(name);
      taken++;
    }
    if (taken === all.length) waiting.delete(partition);
    else waiting.set(partition, all.slice(taken));
    return all.slice(0, taken);
  }

  /** Answers each batch of a group, also after a failure. */
  async function settle(partition: string, group: readonly Pending[]): Promise<void> {
    const open = () => group.filter(({ answered }) => !answered);
    let failure: unknown;
    try {
      for (let i = 0; i < MAX_ATTEMPTS && open().length > 0; i++) await attempt(partition, open(), i === 0);
    } catch (error) {
      failure = error;
    }
    const left = open();
    if (left.length === 0) return;
    failure ??= new RecordsError("STORE_UNAVAILABLE");
    await Promise.all(left.map((pending) => pending.refuse(failure)));
  }

  return {
    /** Resolves once the accepted items are on disk and can be read. Throws RecordsError. */
    async append(
      caller: Caller,
      method: string,
      batch: Batch,
      within: CodesWithin = "all",
    ): Promise<BatchOutcome> {
      // Before anything of it is judged: the room that is left is for entries and revocations.
      if (deps.readOnly?.()) throw new RecordsError("DISK_FULL");
      const { organization } = caller.principal;
      if (organization === undefined) throw new RecordsError("CALLER_NOT_PERMITTED");
      const subject = gate.subject(caller, batch.patient);
      const { partition } = subject;
      const intent = { ...intentOf(caller, method, batch), within };
      const { promise, resolve, reject } = Promise.withResolvers<BatchOutcome>();
      const pending: Pending = {
        intent,
        subject,
        organization,
        batch,
        answered: false,
        answer(outcome) {
          pending.answered = true;
          resolve(outcome);
        },
        async refuse(error) {
          pending.answered = true;
          reject(await gate.refusal(intent, subject, error));
        },
      };
      const line = waiting.get(partition);
      if (line) line.push(pending);
      else waiting.set(partition, [pending]);
      // Each arrival runs once in the queue; a run whose batch an earlier group has taken does nothing.
      queue.run(partition, () => settle(partition, takeGroup(partition))).catch(reject);
      return promise;
    },
  };
}

function intentOf(caller: Caller, method: string, batch: Batch): Intent {
  return {
    caller,
    method,
    patient: batch.patient,
    direction: "contribute",
    // Only of good items: the code of a wrong item may be no code, or too long.
    codes: [...new Set(goodItems(batch).map(({ code }) => code))],
    requestId: batch.requestId,
    trace: currentTrace(),
  };
}
