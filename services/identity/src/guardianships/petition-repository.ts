import type { Change, Document, Store, Stored } from "@wellapi/store";
import { dataKeyOf, type PatientKey, type Vault } from "@wellapi/vault";
import { collections, REQUEST_INDEX } from "../collections.ts";
import { type CommitWithLeaf, type Creation, findCreated } from "../creation.ts";
import { damaged, notFound, requestIdReused } from "../errors.ts";
import { type ListPage, openedPage, type PageRequest } from "../page.ts";
import { petitionWaits } from "./guardianship-errors.ts";
import { lapsedAt, type Petition, type PetitionParticulars } from "./petition.ts";

export type PetitionDocument = Document &
  Omit<Petition, "particulars"> &
  Creation & {
    /** Stands for the account that asks. */
    readonly accountMac: string;
    /** The same, while it waits. */
    readonly waitingMac?: string;
    /** Particulars, sealed with the patient's key. */
    readonly sealed: Uint8Array;
  };

/** Petitions, each in the patient's partition. What is sealed dies with the patient's key, and the petition with it. */
export interface PetitionRepository {
  /** What the same request made before. Throws `request_id_reused` where that patient is erased. */
  created(creation: Creation): Promise<Petition | undefined>;
  /**
   * Stores it, or gives the one that the same request made meanwhile. `also` is asked for what must hold in the same commit, again
   * where something came between. Throws as `created` does, `petition_waits` where one of the account waits for this patient, and what
   * `also` throws.
   */
  insert(
    petition: Petition,
    creation: Creation,
    commit: CommitWithLeaf,
    also: () => Promise<readonly Change[]>,
  ): Promise<Petition>;
  /** Throws `not_found`. */
  petition(id: string): Promise<Petition>;
  /**
   * Stores what `change` makes of it, asked again where something else changed meanwhile; nothing where it returns the same
   * object. Throws `not_found`, `damaged` where what it commits exists already, and what `change` throws.
   */
  amend(
    id: string,
    change: (
      current: Petition,
    ) => Promise<{ readonly petition: Petition; readonly changes?: readonly Change[] }>,
    commit: CommitWithLeaf,
  ): Promise<{ readonly petition: Petition; readonly changed: boolean }>;
  /** All lists are oldest first. A page may be short where patients are erased. */
  ofPatient(partition: string, page: PageRequest): Promise<ListPage<Petition>>;
  ofAccount(account: string, page: PageRequest): Promise<ListPage<Petition>>;
  /** Those that are stored as waiting since after `after`, for the organization; undefined: for all who verify. */
  waiting(organization: string | undefined, after: number, page: PageRequest): Promise<ListPage<Petition>>;
}

const { petitions: collection } = collections;
const CONTEXT = "identity/petitions/particulars";
const WAITING_INDEX = "waiting";

export function createPetitionRepository(deps: {
  readonly store: Store;
  readonly vault: Vault;
  /** Stands for an account. */
  readonly macOf: (text: string) => string;
  readonly now: () => number;
}): PetitionRepository {
  const { store, vault, macOf, now } = deps;

  const { toDocument, opened } = createDocuments(vault, macOf);

  async function first(index: string, equals: readonly string[]) {
    const { documents } = await store.scan<PetitionDocument>(collection, { index, equals, limit: 1 });
    const petition = await opened(documents[0]?.document);
    return petition && { ...documents[0]!, petition };
  }

  async function stored(id: string) {
    const found = await first("id", [id]);
    if (found === undefined) throw notFound("petition");
    return found;
  }

  const replacement = async (petition: Petition, { document, revision }: Stored<PetitionDocument>) =>
    ({
      kind: "replace",
      collection,
      document: await toDocument(petition, document),
      ifRevision: revision,
    }) satisfies Change;

  /** Room for another one where the one that waits has lapsed. Throws `petition_waits`. */
  async function clearLapsed({ partition, accountMac }: PetitionDocument): Promise<void> {
    const before = await first(WAITING_INDEX, [partition, accountMac]);
    if (before === undefined) return;
    const over = lapsedAt(before.petition, now());
    if (over === before.petition) throw petitionWaits();
    await store.commit({ partition, changes: [await replacement(over, before)] });
  }

  async function created(creation: Creation): Promise<Petition | undefined> {
    const document = await findCreated<PetitionDocument>(store, collection, creation);
    const petition = await opened(document);
    // About a patient who is erased: the id stays used, and nothing else can be made under it.
    if (document !== undefined && petition === undefined) throw requestIdReused();
    return petition;
  }

  return {
    created,
    async insert(petition, creation, commit, also) {
      const document = await toDocument(petition, creation);
      for (;;) {
        const before = await created(creation);
        if (before !== undefined) return before;
        const changes: Change[] = [{ kind: "insert", collection, document }, ...(await also())];
        const result = await commit({ partition: petition.partition, changes });
        if (result.committed) return petition;
        if (result.reason === "conflict" || result.index === REQUEST_INDEX) continue;
        if (result.index !== WAITING_INDEX) throw damaged(`an insert was refused: ${result.index}`);
        await clearLapsed(document);
      }
    },
    petition: async (id) => (await stored(id)).petition,
    async amend(id, change, commit) {
      for (;;) {
        const found = await stored(id);
        const { petition, changes = [] } = await change(found.petition);
        if (petition === found.petition) return { petition, changed: false };
        const all = [await replacement(petition, found), ...changes];
        const result = await commit({ partition: petition.partition, changes: all });
        if (result.committed) return { petition, changed: true };
        // What changed meanwhile is a conflict; a duplicate would be one in each round.
        if (result.reason !== "conflict") throw damaged(`a petition's change was refused: ${result.index}`);
      }
    },
    ...createLists(store, opened, macOf),
  };
}

/** Petitions as they are stored, and back. */
function createDocuments(vault: Vault, macOf: (text: string) => string) {
  async function toDocument(
    { particulars, ...petition }: Petition,
    creation: Creation,
  ): Promise<PetitionDocument> {
    const key = await dataKeyOf(vault, petition.partition);
    // Erased meanwhile.
    if (key === undefined) throw notFound("patient");
    const accountMac = macOf(particulars.account);
    return {
      ...petition,
      creator: creation.creator,
      requestId: creation.requestId,
      accountMac,
      ...(petition.state === "waiting" && { waitingMac: accountMac }),
      sealed: key.seal(CONTEXT, Buffer.from(JSON.stringify(particulars))),
    };
  }

  /** Undefined where the patient's key is destroyed. */
  async function opened(document: PetitionDocument | undefined): Promise<Petition | undefined> {
    if (document === undefined) return undefined;
    const key = await dataKeyOf(vault, document.partition);
    return key && openPetition(key, document);
  }

  return { toDocument, opened };
}

function createLists(
  store: Store,
  opened: (document: PetitionDocument) => Promise<Petition | undefined>,
  macOf: (text: string) => string,
): Pick<PetitionRepository, "ofPatient" | "ofAccount" | "waiting"> {
  const pageOf = (scan: Parameters<typeof openedPage>[2], page: PageRequest) =>
    openedPage(store, collection, scan, page, opened);

  return {
    ofPatient: (partition, page) => pageOf({ index: "patient", equals: [partition] }, page),
    ofAccount: (account, page) => pageOf({ index: "account", equals: [macOf(account)] }, page),
    waiting(organization, after, page) {
      const range = { after };
      return organization === undefined
        ? pageOf({ index: "state", equals: ["waiting"], range }, page)
        : pageOf({ index: "verifier", equals: [organization, "waiting"], range }, page);
    },
  };
}

/** Throws VaultError `tampered`. */
export function openPetition(key: PatientKey, document: PetitionDocument): Petition {
  const { id, partition, state, organization, createTime, expireTime, endTime, delegation, sealed } =
    document;
  return {
    id,
    partition,
    state,
    organization,
    createTime,
    expireTime,
    ...(endTime !== undefined && { endTime }),
    ...(delegation !== undefined && { delegation }),
    particulars: JSON.parse(Buffer.from(key.open(CONTEXT, sealed)).toString()) as PetitionParticulars,
  };
}
