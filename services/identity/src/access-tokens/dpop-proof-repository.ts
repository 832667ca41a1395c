import { createHash } from "node:crypto";
import type { Clock, Logger } from "@wellapi/runtime";
import type { Document, Store } from "@wellapi/store";
import { collections } from "../collections.ts";
import { openSweep } from "../sweep.ts";
import { NONCE_LIFETIME } from "./dpop-nonces.ts";
import type { Proof } from "./dpop-proof.ts";

type ProofDocument = Document & {
  readonly id: string;
  readonly attempt: string;
  /** UTC milliseconds. */
  readonly expireTime: number;
};

/** The proofs that were used, of all replicas, for as long as their nonces are good. */
export interface DpopProofRepository {
  /**
   * Whether the proof is used for the first time; durable when it resolves. The same `attempt` is the same use: the door's
   * call to this service may be sent twice.
   */
  use(proof: Pick<Proof, "thumbprint" | "id">, attempt: string): Promise<boolean>;
  close(): Promise<void>;
}

export async function openDpopProofRepository(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<DpopProofRepository> {
  const { store, clock } = options;
  const collection = collections.dpopProofs;
  const sweeping = await openSweep({ ...options, collection, keptMs: 0 });
  return {
    async use({ thumbprint, id: jti }, attempt) {
      const id = createHash("sha256").update(`${thumbprint}.${jti}`).digest("base64url");
      // Commits of one partition wait for each other, and these need not.
      const partition = `dpop/${id.slice(0, 2)}`;
      const document: ProofDocument = { partition, id, attempt, expireTime: clock.now() + NONCE_LIFETIME };
      const result = await store.commit({
        partition,
        changes: [{ kind: "insert", collection, document }],
      });
      if (result.committed) return true;
      const used = await store.get<ProofDocument>(collection, [partition, id]);
      return attempt !== "" && used?.document.attempt === attempt;
    },
    close: () => sweeping.close(),
  };
}
