import type { Clock, Logger } from "@wellapi/runtime";
import type { Change, Document, Store } from "@wellapi/store";
import { createItemSealer, type Kms } from "@wellapi/vault";
import { collections, INSTALLATION } from "../collections.ts";
import { openSweep } from "../sweep.ts";
import type { Grant } from "./grant.ts";

/** What names a person is sealed. */
type Clear = "id" | "application" | "organization" | "createTime" | "expireTime";
type GrantDocument = Document & Pick<Grant, Clear> & { readonly sealed: Uint8Array };

/** Grants in force. One that has ended is gone. */
export interface GrantRepository {
  /** Belongs to the commit that makes it, in the patient's partition where it is about one. */
  insertion(grant: Grant): Change & { readonly kind: "insert" };
  find(id: string): Promise<Grant | undefined>;
  /** Ending one that has ended changes nothing. */
  end(id: string): Promise<void>;
  close(): Promise<void>;
}

const collection = collections.oauthGrants;

/** Deletes grants after their end, until it is closed. */
export async function openGrantRepository(options: {
  readonly store: Store;
  readonly kms: Pick<Kms, "derive">;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<GrantRepository> {
  const { store, kms, clock } = options;
  const sealer = createItemSealer(await kms.derive("identity/oauth-grants"));
  const sweeping = await openSweep({ ...options, collection, keptMs: 0 });

  async function stored(id: string): Promise<GrantDocument | undefined> {
    const scan = { index: "id", equals: [id], limit: 1 };
    return (await store.scan<GrantDocument>(collection, scan)).documents[0]?.document;
  }

  return {
    insertion({ id, application, organization, createTime, expireTime, ...person }) {
      const sealed = sealer.seal(["grant", id], Buffer.from(JSON.stringify(person)));
      const partition = person.partition ?? INSTALLATION;
      const clear = { id, application, organization, createTime, expireTime };
      const document: GrantDocument = { partition, ...clear, sealed };
      return { kind: "insert", collection, document };
    },
    async find(id) {
      const found = await stored(id);
      if (found === undefined || found.expireTime <= clock.now()) return undefined;
      const { partition: _, sealed, ...clear } = found;
      const person = JSON.parse(Buffer.from(sealer.open(["grant", id], sealed)).toString("utf8"));
      return { ...clear, ...person } as Grant;
    },
    async end(id) {
      const found = await stored(id);
      if (found === undefined) return;
      const { partition } = found;
      const changes: Change[] = [{ kind: "delete", collection, key: [partition, id] }];
      await store.commit({ partition, changes, useReserve: true });
    },
    close: () => sweeping.close(),
  };
}
