import type { Entry, Follower } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change, Store } from "@wellapi/store";
import { writeDown } from "../standing/write-down.ts";
import { newEmergencyCode, readEmergencyCode } from "./emergency-code.ts";
import { type EmergencyCodeDocument, emergencyCodes } from "./emergency-documents.ts";
import { codeEndOf } from "./emergency-journal.ts";

/** Emergency codes: one of a patient at most, stored as a MAC. */
export interface EmergencyCodes {
  /** A new code, which replaces the one of before. Throws `journal_unavailable`: make another one. */
  create(
    partition: string,
    leafOf: () => Change,
  ): Promise<{ readonly code: string; readonly createTime: number }>;
  /** False where there was none. Throws `journal_unavailable`. */
  withdraw(partition: string, leafOf: () => Change): Promise<boolean>;
  /** The partition of the patient whose code it is, however it was typed; undefined for no code. */
  find(text: string): Promise<string | undefined>;
  createTime(partition: string): Promise<number | undefined>;
  /** Applies an entry of the journal to data that came from a backup. */
  replay(entry: Entry, leafOf: (partition: string) => Change): Promise<void>;
}

export function createEmergencyCodes(deps: {
  readonly store: Store;
  readonly journal: Pick<Follower, "owed" | "tell">;
  /** Under a key of the installation: what is stored tells nobody a code, and the time of a look-up nothing about one. */
  readonly macOf: (characters: string) => string;
  readonly clock: Clock;
  readonly ids: Ids;
}): EmergencyCodes {
  const { store, journal, macOf, clock, ids } = deps;
  const { name: collection } = emergencyCodes;
  const stored = (partition: string) => store.get<EmergencyCodeDocument>(collection, [partition]);

  /** Undefined where another writer was faster. */
  async function remove(partition: string, id: string, leaf: Change, owed: readonly Change[]) {
    const found = await stored(partition);
    if (found === undefined || found.document.id !== id) return true;
    const deletion: Change = { kind: "delete", collection, key: [partition], ifRevision: found.revision };
    const changes = [deletion, ...owed, leaf];
    return (await store.commit({ partition, changes, useReserve: true })).committed;
  }

  return {
    async create(partition, leafOf) {
      for (;;) {
        const code = newEmergencyCode();
        const createTime = clock.now();
        const document: EmergencyCodeDocument = {
          partition,
          id: ids.next("emc"),
          code_mac: macOf(readEmergencyCode(code)!),
          create_time: createTime,
        };
        const before = await stored(partition);
        const ended = before && codeEndOf(partition, before.document.id, createTime);
        const put: Change = before
          ? { kind: "replace", collection, document, ifRevision: before.revision }
          : { kind: "insert", collection, document };
        const changes = [put, ...(ended ? [journal.owed(ended)] : []), leafOf()];
        if (!(await store.commit({ partition, changes })).committed) continue;
        if (ended) await writeDown(journal, ended);
        return { code, createTime };
      }
    },
    async withdraw(partition, leafOf) {
      for (;;) {
        const before = await stored(partition);
        if (before === undefined) return false;
        const { id } = before.document;
        const ended = codeEndOf(partition, id, clock.now());
        if (!(await remove(partition, id, leafOf(), [journal.owed(ended)]))) continue;
        await writeDown(journal, ended);
        return true;
      }
    },
    async find(text) {
      const characters = readEmergencyCode(text);
      if (characters === undefined) return undefined;
      const scan = { index: "by_code", equals: [macOf(characters)], limit: 1 };
      return (await store.scan<EmergencyCodeDocument>(collection, scan)).documents[0]?.document.partition;
    },
    async createTime(partition) {
      return (await stored(partition))?.document.create_time;
    },
    async replay({ kind, partition, subject }, leafOf) {
      if (kind !== "emergency_code_ended") return;
      while ((await stored(partition))?.document.id === subject) {
        if (await remove(partition, subject, leafOf(partition), [])) return;
      }
    },
  };
}
