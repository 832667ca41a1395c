import { commitment, NONCE_BYTES } from "@wellapi/access-log";
import type { Clock } from "@wellapi/runtime";
import type { IncomingLeaf } from "./access.ts";
import type { AccessRepository } from "./access-repository.ts";
import type { AccessSealing } from "./access-sealing.ts";
import type { LogRepository } from "./log-repository.ts";

/** Takes leaves; durable when it resolves. A leaf that is sent again changes nothing. */
export interface Intake {
  append(leaves: readonly IncomingLeaf[]): Promise<void>;
}

/**
 * A commit lies in one partition, so a leaf takes two: first the sealed access in the patient's partition, then
 * the entry in the log's. After a crash between them the service's outbox sends the leaf again.
 */
export function createIntake(deps: {
  readonly accesses: AccessRepository;
  readonly log: LogRepository;
  readonly sealing: AccessSealing;
  readonly clock: Clock;
  readonly onPending: () => void;
}): Intake {
  const { accesses, log, sealing, clock } = deps;

  async function store(leaf: IncomingLeaf): Promise<{ id: string; entry: Uint8Array }> {
    const { id, partition, organization, timeMs, nonce, body } = leaf;
    const own = commitment(nonce, body);
    const secret = new Uint8Array(NONCE_BYTES + body.length);
    secret.set(nonce);
    secret.set(body, NONCE_BYTES);
    const sealed = await sealing.seal(partition, id, secret);
    if (sealed === undefined) return { id, entry: own };
    const stored = await accesses.insert({ partition, id, timeMs, organization, commitment: own, sealed });
    // Should one id ever come with two bodies, the log holds the one that can be shown.
    return { id, entry: stored.commitment };
  }

  return {
    async append(leaves) {
      const unique = new Map(leaves.map((leaf) => [leaf.id, leaf]));
      const entries = await Promise.all([...unique.values()].map(store));
      await log.addPending(entries, clock.now());
      deps.onPending();
    },
  };
}
