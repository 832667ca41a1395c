import type { Change, Document, Store, Stored } from "@wellapi/store";
import { dataKeyOf, type PatientKey, type Vault } from "@wellapi/vault";
import { collections, REQUEST_INDEX } from "../collections.ts";
import { type CommitWithLeaf, type Creation, findCreated } from "../creation.ts";
import { damaged, notFound, requestIdReused } from "../errors.ts";
import { type ListPage, openedPage, type PageRequest } from "../page.ts";
import { digestOf } from "../secret.ts";
import type { Delegation, Particulars } from "./delegation.ts";

export type DelegationDocument = Document &
  Omit<Delegation, "particulars"> &
  Creation & {
    /** Of an offer. */
    readonly codeDigest?: string;
    /** Stands for the account, once accepted. */
    readonly accountMac?: string;
    /** Particulars, sealed with the patient's key. */
    readonly sealed: Uint8Array;
  };

/** Those who act in patients' names, each in the patient's partition. What is sealed dies with the patient's key. */
export interface DelegationRepository {
  /**
   * Stores the offer under its code. The same request again gives the stored one, which is under the new code as long as it is an
   * offer. `also` must hold in the same commit; it is asked where the offer is new. Throws `request_id_reused`.
   */
  offer(
    delegation: Delegation,
    code: string,
    creation: Creation,
    commit: CommitWithLeaf,
    also: (change: Delegation) => Promise<readonly Change[]>,
  ): Promise<Delegation>;
  /** An access that was agreed to outside of an offer. Belongs to the commit that makes it. */
  insertion(delegation: Delegation, creation: Creation): Promise<Change>;
  /** Undefined where there is none with this code, or its patient is erased. */
  withCode(code: string): Promise<Delegation | undefined>;
  /** Throws `not_found`. */
  delegation(id: string): Promise<Delegation>;
  /** Oldest first. */
  ofPatient(partition: string, page: PageRequest): Promise<ListPage<Delegation>>;
  /** All of the account's in a patient's name. */
  between(account: string, partition: string): Promise<readonly Delegation[]>;
  ofAccount(account: string): Promise<readonly Delegation[]>;
  /** By patient. A page may be short where patients are erased. */
  pageOfAccount(account: string, page: PageRequest): Promise<ListPage<Delegation>>;
  /** Those whose dispute waits for the privacy officer, oldest first. */
  disputed(page: PageRequest): Promise<ListPage<Delegation>>;
  /**
   * Stores what `change` makes of it, asked again where something else changed meanwhile; nothing where it returns the same
   * object. Throws `not_found`, and what `change` throws.
   */
  amend(
    id: string,
    change: (current: Delegation) => Delegation | Promise<Delegation>,
    commit: CommitWithLeaf,
    also: (changed: Delegation, before: Delegation) => readonly Change[] | Promise<readonly Change[]>,
  ): Promise<{ readonly delegation: Delegation; readonly changed: boolean }>;
  /** A change that a restore undid. Whom an offer was accepted by is not known any more, so it ends. */
  replay(
    told: Pick<Delegation, "id" | "version" | "state">,
    time: number,
    commit: CommitWithLeaf,
  ): Promise<void>;
}

const { delegations: collection } = collections;
const CONTEXT = "identity/delegations/particulars";
/** Of one person: patients in whose names they act. */
const MOST_OF_ACCOUNT = 1_000;

export function createDelegationRepository(deps: {
  readonly store: Store;
  readonly vault: Vault;
  /** Stands for an account or an address. */
  readonly macOf: (text: string) => string;
}): DelegationRepository {
  const { store, vault, macOf } = deps;

  async function toDocument(
    { particulars, ...delegation }: Delegation,
    kept: Creation & { readonly codeDigest?: string },
  ): Promise<DelegationDocument> {
    const key = await vault.key(delegation.partition, "data");
    const { account } = particulars;
    return {
      ...delegation,
      creator: kept.creator,
      requestId: kept.requestId,
      ...(delegation.state === "offered" && kept.codeDigest ? { codeDigest: kept.codeDigest } : {}),
      ...(account === undefined ? {} : { accountMac: macOf(account) }),
      sealed: key.seal(CONTEXT, Buffer.from(JSON.stringify(particulars))),
    };
  }

  /** Undefined where the patient's key is destroyed. */
  async function opened(document: DelegationDocument | undefined): Promise<Delegation | undefined> {
    if (document === undefined) return undefined;
    const key = await dataKeyOf(vault, document.partition);
    return key && openDelegation(key, document);
  }

  async function scan(index: string, equals: readonly string[], limit = MOST_OF_ACCOUNT) {
    const { documents } = await store.scan<DelegationDocument>(collection, { index, equals, limit });
    const found = await Promise.all(documents.map(({ document }) => opened(document)));
    return found.filter((one) => one !== undefined);
  }

  async function stored(id: string): Promise<StoredDelegation> {
    const { documents } = await store.scan<DelegationDocument>(collection, {
      index: "id",
      equals: [id],
      limit: 1,
    });
    const delegation = await opened(documents[0]?.document);
    if (documents[0] === undefined || delegation === undefined) throw notFound("delegation");
    return { ...documents[0], delegation };
  }

  return {
    ...createOffers(store, toDocument, stored),
    async withCode(code) {
      return (await scan("code", [digestOf(code)], 1))[0];
    },
    async delegation(id) {
      return (await stored(id)).delegation;
    },
    async insertion(delegation, creation) {
      return { kind: "insert", collection, document: await toDocument(delegation, creation) };
    },
    ...createPages(store, opened, macOf),
    between: (account, partition) => scan("account", [macOf(account), partition]),
    ofAccount: (account) => scan("account", [macOf(account)]),
    async amend(id, change, commit, also) {
      for (;;) {
        const { document, revision, delegation } = await stored(id);
        const changed = await change(delegation);
        if (changed === delegation) return { delegation, changed: false };
        const amended = await toDocument(changed, document);
        const result = await commit({
          partition: document.partition,
          changes: [
            { kind: "replace", collection, document: amended, ifRevision: revision },
            ...(await also(changed, delegation)),
          ],
        });
        if (result.committed) return { delegation: changed, changed: true };
      }
    },
    replay: (...told) => replay(store, ...told),
  };
}

function createPages(
  store: Store,
  opened: (document: DelegationDocument) => Promise<Delegation | undefined>,
  macOf: (text: string) => string,
): Pick<DelegationRepository, "ofPatient" | "pageOfAccount" | "disputed"> {
  const pageOf = (index: string, equals: readonly string[], page: PageRequest) =>
    openedPage(store, collection, { index, equals }, page, opened);

  return {
    ofPatient: (partition, page) => pageOf("patient", [partition], page),
    pageOfAccount: (account, page) => pageOf("account", [macOf(account)], page),
    disputed: (page) => pageOf("dispute", [], page),
  };
}

type ToDocument = (
  delegation: Delegation,
  kept: Creation & { readonly codeDigest?: string },
) => Promise<DelegationDocument>;
type StoredDelegation = Stored<DelegationDocument> & { readonly delegation: Delegation };

function createOffers(
  store: Store,
  toDocument: ToDocument,
  stored: (id: string) => Promise<StoredDelegation>,
): Pick<DelegationRepository, "offer"> {
  return {
    async offer(delegation, code, creation, commit, also) {
      for (;;) {
        const before = await findCreated<DelegationDocument>(store, collection, creation);
        if (before !== undefined) {
          const known = await stored(before.id);
          if (!isSame(known.delegation, delegation)) throw requestIdReused();
          if (known.delegation.state !== "offered") return known.delegation;
          const again = { ...known.document, codeDigest: digestOf(code) };
          const change: Change = { kind: "replace", collection, document: again, ifRevision: known.revision };
          if ((await commit({ partition: again.partition, changes: [change] })).committed)
            return known.delegation;
          continue;
        }
        const document = await toDocument(delegation, { ...creation, codeDigest: digestOf(code) });
        const changes: Change[] = [{ kind: "insert", collection, document }, ...(await also(delegation))];
        const result = await commit({ partition: delegation.partition, changes });
        if (result.committed) return delegation;
        if (result.reason === "duplicate" && result.index !== REQUEST_INDEX) {
          throw damaged("a new delegation's id or code exists");
        }
      }
    },
  };
}

async function replay(
  store: Store,
  ...[{ id, version, state }, time, commit]: Parameters<DelegationRepository["replay"]>
): Promise<void> {
  for (;;) {
    const equals = [id];
    const { documents } = await store.scan<DelegationDocument>(collection, {
      index: "id",
      equals,
      limit: 1,
    });
    const found = documents[0];
    if (found === undefined || found.document.version >= version) return;
    const { codeDigest: _, expireTime: __, disputeTime: ___, ...kept } = found.document;
    const known = kept.accountMac !== undefined ? state : "ended";
    // Who disputed it is not known any more: the privacy officer decides then, which costs nobody a right.
    const waits = known === "disputed" && { disputeTime: time };
    const document: DelegationDocument = { ...kept, ...waits, state: known, version, updateTime: time };
    const change: Change = { kind: "replace", collection, document, ifRevision: found.revision };
    if ((await commit({ partition: document.partition, changes: [change] })).committed) return;
  }
}

/** Throws VaultError `tampered`. */
export function openDelegation(key: PatientKey, document: DelegationDocument): Delegation {
  const { id, partition, kind, state, version, organization, createTime, updateTime } = document;
  const { expireTime, disputeTime } = document;
  const particulars = JSON.parse(Buffer.from(key.open(CONTEXT, document.sealed)).toString()) as Particulars;
  return {
    id,
    partition,
    kind,
    state,
    version,
    organization,
    createTime,
    updateTime,
    ...(expireTime === undefined ? {} : { expireTime }),
    ...(disputeTime === undefined ? {} : { disputeTime }),
    particulars,
  };
}

function isSame(a: Delegation, b: Delegation): boolean {
  const content = ({ partition, kind, particulars }: Delegation) => {
    const { email, displayName, grounds, birthDate, groundsEnd } = particulars;
    return JSON.stringify([partition, kind, email, displayName, grounds, birthDate, groundsEnd]);
  };
  return content(a) === content(b);
}
