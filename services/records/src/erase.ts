import type { Entry, Follower } from "@wellapi/journal";
import type { Logger } from "@wellapi/runtime";
import { type Change, type Document, type IndexValue, type Stored, StoreError } from "@wellapi/store";
import { VaultError } from "@wellapi/vault";
import type { ConsentClient } from "./consent-client.ts";
import type { Directory } from "./directory-client.ts";
import { type ErasureDocument, recordsCollections } from "./documents.ts";
import { RecordsError } from "./errors.ts";
import { headChange, loadHead } from "./head-repository.ts";
import type { Intent, Result } from "./intent.ts";
import type { Subject } from "./subject.ts";
import type { WriteDeps } from "./write-deps.ts";

export interface EraseDeps extends WriteDeps {
  readonly consents: Pick<ConsentClient, "revokeAll">;
  readonly directory: Directory;
  readonly journal: Pick<Follower, "tell">;
  readonly log: Logger;
}

/** An erasure that is done. Times are UTC milliseconds. */
export interface Erasure {
  readonly id: string;
  readonly access: string;
  readonly keyDestroyed: number;
  readonly keysDestroyed: number;
  readonly documentsDeleted: number;
}

/** What holds data; heads, erasures and the log's leaves stay, for they prove the erasure. */
const erased = ["blocks", "observation_blocks", "series", "receipts", "tombstones"] as const;
/** Data of these counts in the receipt. */
const counted: ReadonlySet<string> = new Set(["blocks", "observation_blocks", "receipts"]);
const DOCUMENTS_A_COMMIT = 64;
const MAX_ATTEMPTS = 16;

/** This service itself asks, because the journal says so. */
const replayIntent: Intent = {
  caller: { principal: { kind: "service", id: "records" }, workload: "records", token: "" },
  method: "wellapi.records.v1.RecordsService/ErasePatient",
  patient: "",
  direction: "read",
  codes: [],
};

/**
 * Erases patients. It begins with one commit, after which nothing is stored or read any more: an append that
 * is under way meets the replaced head. From there on it can only go forward, and each step may be repeated:
 * consents are revoked and recalled, the key is destroyed for ever (the vault scrubs its files), the data deleted, identity told. What
 * remains of deleted documents in the files are sealed bytes that nothing opens: docs/decisions/0006.
 */
export function createErase(deps: EraseDeps) {
  const { store, vault, gate, accessLog, queue, hub, clock, ids, directory, consents, journal, log } = deps;
  const running = new Map<string, Promise<Erasure>>();

  /** Commits that the erasure has begun, with what is known of it. Undefined where another commit came between. */
  async function begin(
    intent: Intent,
    subject: Subject,
    said: Result,
    known: Pick<ErasureDocument, "id"> & Partial<ErasureDocument>,
  ): Promise<true | undefined> {
    const { partition } = subject;
    if (await loadErasure(partition)) {
      await gate.record(intent, subject, said);
      return true;
    }
    const head = await loadHead(store, partition);
    const leaf = gate.leaf(intent, subject, said);
    const erasure: ErasureDocument = {
      key_destroyed_ms: 0,
      keys_destroyed: 0,
      documents_deleted: 0,
      ...known,
      partition,
      state: "running",
      access: leaf.id,
    };
    const sequence = (head?.document.sequence ?? 0) + 1;
    const result = await store.commit({
      partition,
      changes: [
        headChange(partition, head, { sequence, erased: true, loose_since_ms: undefined }),
        { kind: "insert", collection: "erasures", document: erasure },
        leaf.change,
      ],
    });
    if (!result.committed) return undefined;
    accessLog.notify();
    hub.notify(partition);
    return true;
  }

  function loadErasure(partition: string): Promise<Stored<ErasureDocument> | undefined> {
    return store.get<ErasureDocument>("erasures", [partition]);
  }

  /** Goes on wherever an erasure stands. Calls of the same patient share one run. */
  function proceed(partition: string): Promise<Erasure> {
    const known = running.get(partition);
    if (known !== undefined) return known;
    const run = steps(partition).finally(() => running.delete(partition));
    running.set(partition, run);
    return run;
  }

  async function steps(partition: string): Promise<Erasure> {
    let erasure = (await loadErasure(partition))!;
    if (erasure.document.state === "done") return erasureOf(erasure.document);
    await consents.revokeAll(partition);
    if (erasure.document.key_destroyed_ms === 0) {
      // Noted before, for after a crash nobody could tell any more whether there was a key.
      const held = Math.max(erasure.document.keys_destroyed, (await hasKey(partition)) ? 1 : 0);
      erasure = await save(erasure, { keys_destroyed: held });
      const destroyed = await vault.destroy(partition, "data");
      erasure = await save(erasure, {
        key_destroyed_ms: clock.now(),
        keys_destroyed: Math.max(held, destroyed),
      });
    }
    for (const collection of erased) {
      for (let keys = await someKeys(collection, partition); keys.length > 0; ) {
        erasure = await save(
          erasure,
          {
            documents_deleted:
              erasure.document.documents_deleted + (counted.has(collection) ? keys.length : 0),
          },
          keys.map((key) => ({ kind: "delete", collection, key })),
        );
        keys = await someKeys(collection, partition);
      }
    }
    await directory.markErased(partition);
    // Last, for what is written down is taken to hold everywhere already. Only then is it promised to anybody.
    const { id, key_destroyed_ms: time } = erasure.document;
    await journal.tell({ kind: "patient_erased", partition, subject: id, time });
    erasure = await save(erasure, { state: "done" });
    return erasureOf(erasure.document);
  }

  async function hasKey(partition: string): Promise<boolean> {
    try {
      await vault.key(partition, "data");
      return true;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      if (error.code === "no_key" || error.code === "destroyed") return false;
      // A wrapped key with a bit that flipped is one that somebody could mend: it is there until it is destroyed.
      if (error.code === "damaged" && !(error.cause instanceof StoreError)) return true;
      throw error;
    }
  }

  async function save(
    erasure: Stored<ErasureDocument>,
    fields: Partial<ErasureDocument>,
    deletes: readonly Change[] = [],
  ): Promise<Stored<ErasureDocument>> {
    const { partition } = erasure.document;
    const document = { ...erasure.document, ...fields } as ErasureDocument;
    const result = await store.commit({
      partition,
      changes: [
        ...deletes,
        { kind: "replace", collection: "erasures", document, ifRevision: erasure.revision },
      ],
    });
    // Another replica goes on with it.
    if (!result.committed) throw new RecordsError("ERASURE_INCOMPLETE");
    return { document, revision: erasure.revision + 1 };
  }

  async function someKeys(collection: string, partition: string): Promise<IndexValue[][]> {
    const { documents } = await store.scan<Document>(collection, {
      equals: [partition],
      limit: DOCUMENTS_A_COMMIT,
    });
    const { key } = recordsCollections.find(({ name }) => name === collection)!;
    return documents.map(({ document }) => key.map((field) => document[field] as IndexValue));
  }

  return {
    /** Erases the caller. Once begun it can't fail, only last: then ERASURE_INCOMPLETE is thrown. */
    async erase(intent: Intent): Promise<Erasure> {
      const subject = gate.subject(intent.caller, intent.patient);
      const { partition } = subject;
      try {
        if (!subject.own) throw new RecordsError("CONSENT_REQUIRED", { logged: "NOT_OWN" });
        await queue.run(partition, async () => {
          const id = ids.next("era");
          for (let i = 0; i < MAX_ATTEMPTS; i++) if (await begin(intent, subject, {}, { id })) return;
          throw new RecordsError("STORE_UNAVAILABLE");
        });
      } catch (error) {
        throw await gate.refusal(intent, subject, error);
      }
      try {
        return await proceed(partition);
      } catch (error) {
        log.error({ err: error }, "an erasure has stopped and will be continued");
        throw new RecordsError("ERASURE_INCOMPLETE", { cause: error });
      }
    },

    /**
     * Makes an erasure of the journal true of data, or of keys, that came from a backup: once it resolves nothing of the
     * patient is stored or read any more. What is left of it continues like any other.
     */
    async replay({ kind, partition, subject: id, time }: Entry): Promise<void> {
      if (kind !== "patient_erased") return;
      const subject: Subject = {
        partition,
        patient: partition.slice(partition.indexOf("/") + 1),
        own: false,
      };
      const said = { reason: "REPLAYED_AFTER_RESTORE" };
      for (let i = 0; !(await loadErasure(partition)); i++) {
        if (i === MAX_ATTEMPTS) throw new RecordsError("STORE_UNAVAILABLE");
        await begin(replayIntent, subject, said, { id, key_destroyed_ms: time, keys_destroyed: 1 });
      }
      if (await hasKey(partition)) await vault.destroy(partition, "data");
    },

    /** Continues what was begun and has stopped. */
    async resume(): Promise<void> {
      const { documents } = await store.scan<ErasureDocument>("erasures", {
        index: "by_state",
        equals: ["running"],
        limit: 1_000,
      });
      for (const { document } of documents) {
        try {
          await proceed(document.partition);
        } catch (error) {
          log.warn({ err: error }, "an erasure could not be continued; it will be tried again");
        }
      }
    },
  };
}

function erasureOf(document: ErasureDocument): Erasure {
  return {
    id: document.id,
    access: document.access,
    keyDestroyed: document.key_destroyed_ms,
    keysDestroyed: document.keys_destroyed,
    documentsDeleted: document.documents_deleted,
  };
}
