import type { Clock, Logger } from "@wellapi/runtime";
import type { Change, Document, Store } from "@wellapi/store";
import { collections } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import { DAY } from "../credentials/credential.ts";
import { notFound } from "../errors.ts";
import { type ListPage, openedPage, type PageRequest } from "../page.ts";
import { openSweep } from "../sweep.ts";
import type { PatientToken } from "./patient-token.ts";

type PatientTokenDocument = Document & PatientToken;

/** Patients' tokens, each in its patient's partition. */
export interface PatientTokenRepository {
  /** Belongs to the commit that issues it. */
  insertion(partition: string, token: PatientToken): Change;
  find(partition: string, id: string): Promise<PatientToken | undefined>;
  /** Newest first. */
  list(partition: string, page: PageRequest): Promise<ListPage<PatientToken>>;
  /**
   * Those of `ids` that were not revoked yet, revoked now, in one commit with the changes of `also`; all of them or none.
   * Throws `not_found`.
   */
  revoke(
    partition: string,
    ids: readonly string[],
    now: number,
    commit: CommitWithLeaf,
    also?: (revoked: PatientToken) => readonly Change[],
  ): Promise<readonly PatientToken[]>;
}

/** Deletes tokens a day after they ended, until it is closed. */
export async function openPatientTokenRepository(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<PatientTokenRepository & { close(): Promise<void> }> {
  const sweeping = await openSweep({ ...options, collection: collections.patientTokens, keptMs: DAY });
  return { ...createPatientTokenRepository(options.store), close: () => sweeping.close() };
}

export function createPatientTokenRepository(store: Store): PatientTokenRepository {
  const { patientTokens: collection } = collections;
  return {
    insertion: (partition, token) => ({
      kind: "insert",
      collection,
      document: { ...token, partition } satisfies PatientTokenDocument,
    }),
    async find(partition, id) {
      const stored = await store.get<PatientTokenDocument>(collection, [partition, id]);
      return stored && toToken(stored.document);
    },
    list(partition, page) {
      const scan = { index: "created", equals: [partition], order: "descending" } as const;
      return openedPage(store, collection, scan, page, toToken);
    },
    async revoke(partition, ids, now, commit, also = () => []) {
      for (;;) {
        const revoked: PatientToken[] = [];
        const changes: Change[] = [];
        for (const id of ids) {
          const stored = await store.get<PatientTokenDocument>(collection, [partition, id]);
          if (stored === undefined) throw notFound("token");
          if (stored.document.revokeTime !== undefined) continue;
          const document = { ...stored.document, revokeTime: now };
          revoked.push(toToken(document));
          changes.push({ kind: "replace", collection, document, ifRevision: stored.revision });
          changes.push(...also(toToken(document)));
        }
        if (revoked.length === 0 || (await commit({ partition, changes })).committed) return revoked;
      }
    },
  };
}

function toToken({ partition: _, ...token }: PatientTokenDocument): PatientToken {
  return token;
}
