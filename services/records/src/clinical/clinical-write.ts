import { type Caller, partyOf } from "@wellapi/rpc";
import { currentTrace } from "@wellapi/runtime";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import { createClinicalAttempt } from "./clinical-attempt.ts";
import { refusalOf } from "./clinical-refusal.ts";
import { type ClinicalWriteDeps, type Prepared, type PreparedItem, prepareItem } from "./prepared-batch.ts";
import type { ClinicalOutcome, SentBatch } from "./sent-batch.ts";

/** Commits of one patient are queued, so only other replicas can make a guard fail. */
const MAX_ATTEMPTS = 16;

export interface ClinicalWrites {
  /** Resolves once what was accepted is on disk and can be read, with an outcome an item. Throws RecordsError. */
  write(caller: Caller, method: string, batch: SentBatch): Promise<readonly ClinicalOutcome[]>;
  /** The same of one item, whose rejection is the error of the call. */
  writeOne(caller: Caller, method: string, batch: SentBatch): Promise<ClinicalOutcome>;
}

/** Stores, replaces and deletes clinical records. */
export function createClinicalWrites(deps: ClinicalWriteDeps): ClinicalWrites {
  const { gate, queue } = deps;
  const attempt = createClinicalAttempt(deps);

  async function run(
    caller: Caller,
    method: string,
    batch: SentBatch,
    single: boolean,
  ): Promise<readonly ClinicalOutcome[]> {
    // Before anything of it is judged: the room that is left is for entries and revocations.
    if (deps.readOnly?.()) throw new RecordsError("DISK_FULL");
    const { organization } = caller.principal;
    if (organization === undefined) throw new RecordsError("CALLER_NOT_PERMITTED");
    const subject = gate.subject(caller, batch.patient);
    const items = batch.items.map((item) => prepareItem(deps, item, partyOf(caller), subject.patient));
    const intent = intentOf(caller, method, batch, items);
    const prepared: Prepared = { intent, subject, organization, batch, items, single };
    return queue.run(subject.partition, async () => {
      try {
        if (subject.outsideToken) throw new RecordsError("SCOPE_REQUIRED");
        for (let i = 0; i < MAX_ATTEMPTS; i++) {
          const outcomes = await attempt(prepared);
          if (outcomes !== undefined) return outcomes;
        }
        throw new RecordsError("STORE_UNAVAILABLE");
      } catch (error) {
        throw await gate.refusal(intent, subject, error);
      }
    });
  }

  return {
    write: (caller, method, batch) => run(caller, method, batch, false),
    async writeOne(caller, method, batch) {
      const [outcome] = await run(caller, method, batch, true);
      if (outcome!.status === "rejected") throw refusalOf(outcome!.violations);
      return outcome!;
    },
  };
}

function intentOf(caller: Caller, method: string, batch: SentBatch, items: readonly PreparedItem[]): Intent {
  return {
    caller,
    method,
    patient: batch.patient,
    direction: "contribute",
    codes: [...new Set(items.flatMap(({ taken }) => taken?.keys ?? []))],
    requestId: batch.requestId,
    trace: currentTrace(),
  };
}
