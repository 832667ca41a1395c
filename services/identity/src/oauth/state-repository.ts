import type { Clock, Logger } from "@wellapi/runtime";
import { type Change, type Document, type Store, type Stored, scanPages } from "@wellapi/store";
import { createItemSealer, createTextMac, type ItemSealer, type Kms } from "@wellapi/vault";
import { collections, INSTALLATION } from "../collections.ts";
import { openSweep } from "../sweep.ts";

/** What the protocol keeps of one code, token, request or interaction: its payload, as the library has it. */
export type Payload = Record<string, unknown>;

export interface NewState {
  readonly model: string;
  /** The secret that its holder shows, or a random id. Stored as a MAC only. */
  readonly id: string;
  readonly payload: Payload;
  /** UTC milliseconds. */
  readonly expireTime: number;
  /** The grant that it ends with. */
  readonly grant?: string | undefined;
  /** Another value by which it is found, a secret, too. */
  readonly lookup?: string | undefined;
}

type StateDocument = Document & {
  readonly id: string;
  readonly expireTime: number;
  readonly grant?: string;
  readonly lookup?: string;
  readonly consumeTime?: number;
  readonly sealed: Uint8Array;
};

/** Short-lived states of the OAuth protocol, for any number of replicas. */
export interface StateRepository {
  /** Stores it, or replaces what is stored under its id. What was consumed stays so. */
  put(state: NewState): Promise<void>;
  /** Stores it unless there is one with its id. Returns whether there was none. */
  insert(state: NewState): Promise<boolean>;
  /** With `consumed`, in seconds, once it was. Also after its end, until it is swept. */
  find(model: string, id: string): Promise<Payload | undefined>;
  findByLookup(model: string, lookup: string): Promise<Payload | undefined>;
  /** True for one caller only, whoever else asks at the same time. False, too, where there is none. */
  consume(model: string, id: string): Promise<boolean>;
  remove(model: string, id: string): Promise<void>;
  removeOfGrant(grant: string): Promise<void>;
  close(): Promise<void>;
}

const REMOVED_AT_ONCE = 200;
const collection = collections.oauthStates;

/** Deletes states after their end, until it is closed. */
export async function openStateRepository(options: {
  readonly store: Store;
  readonly kms: Pick<Kms, "derive">;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<StateRepository> {
  const { store, kms, clock } = options;
  const sealing = createSealing(
    createItemSealer(await kms.derive("identity/oauth-states")),
    createTextMac(await kms.derive("identity/oauth-ids")),
  );
  const sweeping = await openSweep({ ...options, collection, keptMs: 0 });
  const stored = (id: string) => store.get<StateDocument>(collection, [INSTALLATION, id]);

  async function removeAll(documents: ReadonlyArray<Stored<StateDocument>>): Promise<void> {
    const changes: Change[] = documents.map(({ document }) => ({
      kind: "delete",
      collection,
      key: [INSTALLATION, document.id],
    }));
    if (changes.length > 0) await store.commit({ partition: INSTALLATION, changes, useReserve: true });
  }

  return {
    async put(state) {
      const document = sealing.document(state);
      for (;;) {
        const before = await stored(document.id);
        const { consumeTime } = before?.document ?? {};
        const kept = consumeTime === undefined ? document : { ...document, consumeTime };
        const change: Change =
          before === undefined
            ? { kind: "insert", collection, document: kept }
            : { kind: "replace", collection, document: kept, ifRevision: before.revision };
        if ((await store.commit({ partition: INSTALLATION, changes: [change] })).committed) return;
      }
    },
    async insert(state) {
      const change: Change = { kind: "insert", collection, document: sealing.document(state) };
      return (await store.commit({ partition: INSTALLATION, changes: [change] })).committed;
    },
    async find(model, id) {
      const found = await stored(sealing.idOf(model, id));
      return found && { ...sealing.open(found.document), jti: id };
    },
    async findByLookup(model, lookup) {
      const { documents } = await store.scan<StateDocument>(collection, {
        index: "lookup",
        equals: [INSTALLATION, sealing.lookupOf(model, lookup)],
        limit: 1,
      });
      return documents[0] && sealing.open(documents[0].document);
    },
    async consume(model, id) {
      for (;;) {
        const found = await stored(sealing.idOf(model, id));
        if (found === undefined || found.document.consumeTime !== undefined) return false;
        const document = { ...found.document, consumeTime: clock.now() };
        const change: Change = { kind: "replace", collection, document, ifRevision: found.revision };
        if ((await store.commit({ partition: INSTALLATION, changes: [change] })).committed) return true;
      }
    },
    async remove(model, id) {
      const key = [INSTALLATION, sealing.idOf(model, id)];
      const changes: Change[] = [{ kind: "delete", collection, key }];
      await store.commit({ partition: INSTALLATION, changes, useReserve: true });
    },
    async removeOfGrant(grant) {
      const scan = { index: "grant", equals: [INSTALLATION, grant], limit: REMOVED_AT_ONCE };
      for await (const page of scanPages<StateDocument>(store, collection, scan))
        await removeAll(page.documents);
    },
    close: () => sweeping.close(),
  };
}

/** Ids and lookups are MACs, and payloads are sealed in their place: a copy of the disk holds nobody's token or name. */
function createSealing(sealer: ItemSealer, mac: (text: string) => string) {
  const idOf = (model: string, id: string) => mac(JSON.stringify([model, id]));
  const lookupOf = (model: string, lookup: string) => mac(JSON.stringify([model, "lookup", lookup]));
  return {
    idOf,
    lookupOf,
    document({ model, id, payload, expireTime, grant, lookup }: NewState): StateDocument {
      const key = idOf(model, id);
      // The secret that it is shown by is the one thing that is not needed again, unless something else finds it.
      const { jti, ...rest } = payload;
      const content = lookup === undefined ? rest : { ...rest, jti };
      return {
        partition: INSTALLATION,
        id: key,
        expireTime,
        sealed: sealer.seal(["oauth", key], Buffer.from(JSON.stringify(content))),
        ...(grant !== undefined && { grant }),
        ...(lookup !== undefined && { lookup: lookupOf(model, lookup) }),
      };
    },
    open({ id, sealed, consumeTime }: StateDocument): Payload {
      const text = Buffer.from(sealer.open(["oauth", id], sealed)).toString("utf8");
      const payload = JSON.parse(text) as Payload;
      return consumeTime === undefined ? payload : { ...payload, consumed: Math.floor(consumeTime / 1_000) };
    },
  };
}
