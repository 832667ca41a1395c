import type { Clock, Logger } from "@wellapi/runtime";
import type { Change, Document, Store } from "@wellapi/store";
import { createItemSealer, createTextMac, type Kms } from "@wellapi/vault";
import { collections, INSTALLATION } from "../collections.ts";
import { type ListPage, openedPage, type PageRequest } from "../page.ts";
import { openSweep } from "../sweep.ts";
import type { Grant } from "./grant.ts";

/** What names a person is sealed. */
type Clear = "id" | "application" | "organization" | "createTime" | "expireTime";
type GrantDocument = Document &
  Pick<Grant, Clear> & {
    /** Stands for the account. */
    readonly accountMac?: string;
    readonly sealed: Uint8Array;
  };

/** Grants in force. One that has ended is gone. */
export interface GrantRepository {
  /** Belongs to the commit that makes it, in the patient's partition where it is about one. */
  insertion(grant: Grant): Change & { readonly kind: "insert" };
  find(id: string): Promise<Grant | undefined>;
  /** Newest first. */
  ofPatient(partition: string, page: PageRequest): Promise<ListPage<Grant>>;
  /** Those that are about no patient, newest first. */
  ofAccount(account: string, page: PageRequest): Promise<ListPage<Grant>>;
  /** Belongs to a commit in `partition`. */
  deletion(grant: Grant): { readonly partition: string; readonly change: Change };
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
  const macOf = createTextMac(await kms.derive("identity/accounts of grants"));
  const sweeping = await openSweep({ ...options, collection, keptMs: 0 });

  async function stored(id: string): Promise<GrantDocument | undefined> {
    const scan = { index: "id", equals: [id], limit: 1 };
    return (await store.scan<GrantDocument>(collection, scan)).documents[0]?.document;
  }

  function opened({ partition: _, accountMac: __, sealed, ...clear }: GrantDocument): Grant {
    const person = JSON.parse(Buffer.from(sealer.open(["grant", clear.id], sealed)).toString("utf8"));
    return { ...clear, ...person } as Grant;
  }

  async function list(index: string, equal: string, page: PageRequest): Promise<ListPage<Grant>> {
    const scan = { index, equals: [equal], order: "descending" } as const;
    const now = clock.now();
    return openedPage(store, collection, scan, page, (document: GrantDocument) =>
      document.expireTime > now ? opened(document) : undefined,
    );
  }

  return {
    insertion({ id, application, organization, createTime, expireTime, ...person }) {
      const sealed = sealer.seal(["grant", id], Buffer.from(JSON.stringify(person)));
      const partition = person.partition ?? INSTALLATION;
      const clear = { id, application, organization, createTime, expireTime };
      const own = person.partition === undefined && { accountMac: macOf(person.account) };
      const document: GrantDocument = { partition, ...clear, ...own, sealed };
      return { kind: "insert", collection, document };
    },
    async find(id) {
      const found = await stored(id);
      if (found === undefined || found.expireTime <= clock.now()) return undefined;
      return opened(found);
    },
    ofPatient: (partition, page) => list("patient", partition, page),
    ofAccount: (account, page) => list("account", macOf(account), page),
    deletion({ id, partition = INSTALLATION }) {
      return { partition, change: { kind: "delete", collection, key: [partition, id] } };
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
