import type { DamageReporter } from "@wellapi/runtime";
import { isWithoutKey } from "@wellapi/vault";
import { loadHead } from "../blocks/head-repository.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import type { Subject } from "../gate/subject.ts";
import { batchCommitted } from "./event-convert.ts";
import { type Retraction, type RetractTarget, standingOf } from "./retraction.ts";
import { createRetractionRepository, type RetractionRepository } from "./retraction-repository.ts";
import type { WriteDeps } from "./write-deps.ts";

const MAX_ATTEMPTS = 16;

export interface RetractDeps extends WriteDeps {
  readonly damage: DamageReporter;
}

/**
 * Retracts batches of the caller's organization. It needs no consent: wrong data must be retractable after consent is
 * revoked. A batch of another organization is not found, like one that never existed.
 */
export function createRetract(deps: RetractDeps) {
  const { gate, queue } = deps;
  const repository = createRetractionRepository(deps);

  return {
    /** Throws RecordsError. */
    async retract(intent: Intent, target: RetractTarget): Promise<Retraction> {
      const { organization } = intent.caller.principal;
      if (organization === undefined) throw new RecordsError("CALLER_NOT_PERMITTED");
      const subject = gate.subject(intent.caller, intent.patient);
      return queue.run(subject.partition, async () => {
        try {
          // A batch may hold data of every category.
          if (subject.outsideToken || (intent.within ?? "all") !== "all")
            throw new RecordsError("SCOPE_REQUIRED");
          for (let i = 0; i < MAX_ATTEMPTS; i++) {
            const retraction = await attempt(deps, repository, intent, subject, organization, target);
            if (retraction !== undefined) return retraction;
          }
          throw new RecordsError("STORE_UNAVAILABLE");
        } catch (error) {
          const unknown = isWithoutKey(error) ? new RecordsError("NOT_FOUND", { cause: error }) : error;
          throw await gate.refusal(intent, subject, unknown);
        }
      });
    },
  };
}

/** One attempt; undefined if another commit came between. Throws NOT_FOUND. */
async function attempt(
  deps: RetractDeps,
  repository: RetractionRepository,
  intent: Intent,
  subject: Subject,
  organization: string,
  target: RetractTarget,
): Promise<Retraction | undefined> {
  const { store, gate, accessLog, relay, hub, clock } = deps;
  const { partition } = subject;
  const head = await loadHead(store, partition);
  if (head === undefined || head.document.erased) throw new RecordsError("NOT_FOUND");
  const receipt = await repository.receipt(partition, organization, target);
  if (receipt === undefined) throw new RecordsError("NOT_FOUND");
  const standing = standingOf(receipt.document, await repository.owner(partition, organization));
  if (standing.kind === "not_found") throw new RecordsError("NOT_FOUND");
  if (standing.kind === "retracted") {
    await gate.record(intent, subject, {});
    return standing.retraction;
  }
  const { batch } = receipt.document;
  const sequence = head.document.sequence + 1;
  const arrived = await repository.fromArrived(partition, batch, sequence);
  const compacted = await repository.fromCompacted(partition, receipt.document);
  const retraction = { timeMs: clock.now(), items: arrived.count + compacted.count };
  const { change: leaf } = gate.leaf(intent, subject, { items: retraction.items });
  const event = batchCommitted(partition, sequence, batch, clock);
  const writes = { head, receipt, retraction, organization, arrived, compacted, leaf, event };
  if (!(await repository.commit(writes))) return undefined;
  accessLog.notify();
  relay.notify();
  hub.notify(partition);
  return retraction;
}
