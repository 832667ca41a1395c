import type { Clock, Logger } from "@wellapi/runtime";
import type { Change, Document, Store } from "@wellapi/store";
import { collections } from "../collections.ts";
import { requestIdReused } from "../errors.ts";
import { openSweep } from "../sweep.ts";
import type { AnswerSealer, Asking } from "./answer.ts";
import { DAY } from "./credential.ts";

type AnswerDocument = Document & {
  readonly id: string;
  /** UTC milliseconds. */
  readonly expireTime: number;
  readonly sealed: Uint8Array;
};

/** Sealed answers, which a repeated request gets again for a day. */
export interface AnswerRepository {
  /**
   * The answer to the same request within the last day. Throws `request_id_reused` where the earlier request differs.
   */
  find(asking: Asking): Promise<Uint8Array | undefined>;
  /**
   * Belongs to the commit of the change that the answer reports; refused as a duplicate where the same request came
   * first.
   */
  keep(partition: string, asking: Asking, answer: Uint8Array): Change;
  close(): Promise<void>;
}

/** How long an answer is kept. */
const KEPT_MS = DAY;

export interface AnswerRepositoryOptions {
  readonly store: Store;
  readonly sealer: AnswerSealer;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Deletes old answers at once, and then every ten minutes. */
export async function openAnswerRepository(options: AnswerRepositoryOptions): Promise<AnswerRepository> {
  const { store, sealer, clock, log } = options;

  async function remove({ partition, id }: AnswerDocument): Promise<void> {
    const change: Change = { kind: "delete", collection: collections.answers, key: [partition, id] };
    await store.commit({ partition, changes: [change], useReserve: true });
  }

  const sweeping = await openSweep({ store, collection: collections.answers, keptMs: 0, clock, log });

  return {
    async find(asking) {
      const scan = { index: "id", equals: [sealer.id(asking)], limit: 1 };
      const found = (await store.scan<AnswerDocument>(collections.answers, scan)).documents[0]?.document;
      if (found === undefined) return undefined;
      if (found.expireTime <= clock.now()) {
        await remove(found);
        return undefined;
      }
      const answer = sealer.open(asking, found.sealed);
      if (answer === undefined) throw requestIdReused();
      return answer;
    },
    keep(partition, asking, answer) {
      const document: AnswerDocument = {
        partition,
        id: sealer.id(asking),
        expireTime: clock.now() + KEPT_MS,
        sealed: sealer.seal(asking, answer),
      };
      return { kind: "insert", collection: collections.answers, document };
    },
    async close() {
      await sweeping.close();
    },
  };
}
