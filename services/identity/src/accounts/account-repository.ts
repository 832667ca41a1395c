import type { Change, Document, Store } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import { collections } from "../collections.ts";
import { notFound, staleEtag } from "../errors.ts";
import { type Account, accountPartition } from "./account.ts";
import { emailInUse, patientInUse } from "./account-errors.ts";

export type AccountDocument = Document & {
  readonly id: string;
  /** Stands for the address. */
  readonly emailMac: string;
  /** Internal id of the account's own patient. */
  readonly patient?: string;
  /** JSON of the account. */
  readonly sealed: Uint8Array;
};

/** An account with the number of its version. */
export interface StoredAccount {
  readonly account: Account;
  readonly etag: string;
}

/** What a change makes of an account, with further changes of its partition. */
export interface Amended {
  readonly account: Account;
  readonly changes?: readonly Change[];
}

/** Accounts, sealed under a key of the installation. An address, and a patient, has one account at most. */
export interface AccountRepository {
  /** Throws `email_in_use` and `patient_in_use`. */
  create(account: Account, changes: readonly Change[]): Promise<StoredAccount>;
  find(id: string): Promise<StoredAccount | undefined>;
  findByEmail(email: string): Promise<StoredAccount | undefined>;
  /** `patient`: internal id. */
  findByPatient(patient: string): Promise<StoredAccount | undefined>;
  /**
   * Commits what `change` makes of the account, which is asked again where the account changed meanwhile. Throws
   * `not_found`, `stale_etag`, `email_in_use` and `patient_in_use`. `etag`: empty, or the version that must be current.
   */
  amend(
    id: string,
    change: (account: Account) => Promise<Amended> | Amended,
    etag?: string,
  ): Promise<StoredAccount>;
  /** Stands for an address where the address itself may not lie. */
  macOf(email: string): string;
}

export function openAccount(sealer: ItemSealer, { partition, id, sealed }: AccountDocument): Account {
  return JSON.parse(Buffer.from(sealer.open([partition, id], sealed)).toString()) as Account;
}

export function createAccountRepository(options: {
  readonly store: Store;
  readonly sealer: ItemSealer;
  readonly macOf: (email: string) => string;
}): AccountRepository {
  const { store, sealer, macOf } = options;
  const { accounts: collection } = collections;

  function documentOf(account: Account): AccountDocument {
    const { id, email, patient } = account;
    const partition = accountPartition(id);
    const sealed = sealer.seal([partition, id], Buffer.from(JSON.stringify(account)));
    return { partition, id, emailMac: macOf(email), ...(patient && { patient }), sealed };
  }

  async function find(id: string) {
    const stored = await store.get<AccountDocument>(collection, [accountPartition(id), id]);
    if (stored === undefined) return undefined;
    const { document, revision } = stored;
    return { account: openAccount(sealer, document), etag: String(revision), revision };
  }

  async function findBy(index: string, value: string): Promise<StoredAccount | undefined> {
    const scan = { index, equals: [value], limit: 1 };
    const found = (await store.scan<AccountDocument>(collection, scan)).documents[0];
    if (found === undefined) return undefined;
    return { account: openAccount(sealer, found.document), etag: String(found.revision) };
  }

  return {
    macOf,
    find,
    async create(account, changes) {
      const document = documentOf(account);
      const { partition } = document;
      const result = await store.commit({
        partition,
        changes: [{ kind: "insert", collection, document }, ...changes],
      });
      if (!result.committed) throw inUse(result);
      return { account, etag: "1" };
    },
    findByEmail: (email) => findBy("email", macOf(email)),
    findByPatient: (patient) => findBy("patient", patient),
    async amend(id, change, etag = "") {
      for (;;) {
        const stored = await find(id);
        if (stored === undefined) throw notFound("account");
        if (etag !== "" && etag !== stored.etag) throw staleEtag("account");
        const { account, changes = [] } = await change(stored.account);
        const document = documentOf(account);
        const ifRevision = stored.revision;
        const result = await store.commit({
          partition: document.partition,
          changes: [{ kind: "replace", collection, document, ifRevision }, ...changes],
          // A person signs in to revoke.
          useReserve: true,
        });
        if (result.committed) return { account, etag: String(ifRevision + 1) };
        if (result.reason === "duplicate") throw inUse(result);
      }
    },
  };
}

function inUse(result: { readonly index?: string }) {
  return result.index === "patient" ? patientInUse() : emailInUse();
}
