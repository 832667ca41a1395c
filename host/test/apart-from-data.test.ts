/** What lies apart from the data, the wrapped keys and the journal, keeps the same promises here and behind the service. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Entry, type JournalRepository, openFileJournal } from "@wellapi/journal";
import { keysCollections, openKeysService } from "@wellapi/keys";
import { anonymous } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { systemClock } from "@wellapi/runtime";
import { openSqliteStore } from "@wellapi/store";
import { createKeyRepository, type KeyRepository } from "@wellapi/vault";
import { describe, expect, onTestFinished, test } from "vitest";
import { createRemoteJournal } from "../src/mesh/remote-journal.ts";
import { createRemoteKeys } from "../src/mesh/remote-keys.ts";

interface Engine {
  readonly keys: KeyRepository;
  readonly journal: JournalRepository;
  /** The files are gone; a caller must not wait for long. */
  fail(): Promise<void>;
}

async function openLocal(): Promise<Engine> {
  const { store, journal, fail } = await openFiles();
  return { keys: createKeyRepository(store), journal, fail };
}

async function openRemote(): Promise<Engine> {
  const { store, journal, fail } = await openFiles();
  const { routes } = await openKeysService({ store, journal, clock: systemClock });
  const transport = createTestTransport({ routes, caller: { ...anonymous, workload: "records" } });
  const { signal } = new AbortController();
  return {
    keys: createRemoteKeys(transport, signal),
    journal: createRemoteJournal(transport, signal),
    fail,
  };
}

async function openFiles() {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-apart-"));
  const store = await openSqliteStore({ path: join(folder, "keys.db"), collections: keysCollections });
  const journal = await openFileJournal({ folder: join(folder, "journal") });
  let open = true;
  const fail = async () => {
    if (!open) return;
    open = false;
    await Promise.all([store.close(), journal.close()]);
  };
  onTestFinished(async () => {
    await fail();
    await rm(folder, { recursive: true });
  });
  return { store, journal, fail };
}

const engines = [
  ["in this process", openLocal],
  ["behind the keys service", openRemote],
] as const;
const patient = "local/pat_1";
const now = 1_700_000_000_000;

describe.each(engines)("wrapped keys %s", (_, open) => {
  const wrapped = Uint8Array.of(1, 2, 3);

  test("are found as they were stored, by partition and use", async () => {
    const { keys } = await open();
    await expect(keys.find(patient, "data")).rejects.toMatchObject({ code: "no_key" });
    await keys.insert(patient, "data", wrapped, now);
    expect(await keys.find(patient, "data")).toEqual([{ version: 1, wrapped }]);
    await expect(keys.find(patient, "audit")).rejects.toMatchObject({ code: "no_key" });
    await expect(keys.find("local/pat_2", "data")).rejects.toMatchObject({ code: "no_key" });
  });

  test("the first of many that are stored at once is kept, and all are told so", async () => {
    const { keys } = await open();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => keys.insert(patient, "data", Uint8Array.of(i), now)),
    );
    const kept = await keys.find(patient, "data");
    expect(kept).toHaveLength(1);
    await keys.insert(patient, "data", wrapped, now);
    expect(await keys.find(patient, "data")).toEqual(kept);
  });

  test("once destroyed, a key stays destroyed, also one that never was; the other use lives on", async () => {
    const { keys } = await open();
    await keys.insert(patient, "data", wrapped, now);
    await keys.insert(patient, "audit", wrapped, now);
    expect(await keys.destroy(patient, "data", now)).toBe(1);
    expect(await keys.destroy(patient, "data", now)).toBe(0);
    expect(await keys.destroy("local/pat_2", "data", now)).toBe(0);
    for (const partition of [patient, "local/pat_2"]) {
      await expect(keys.find(partition, "data")).rejects.toMatchObject({ code: "destroyed" });
      await expect(keys.insert(partition, "data", wrapped, now)).rejects.toMatchObject({ code: "destroyed" });
    }
    expect(await keys.find(patient, "audit")).toEqual([{ version: 1, wrapped }]);
  });

  test("a key that is stored while it is destroyed is gone afterwards", async () => {
    const { keys } = await open();
    const races = Array.from({ length: 20 }, async (_, i) => {
      const partition = `local/pat_${i}`;
      const stored = keys.insert(partition, "data", wrapped, now).catch((error: unknown) => error);
      await keys.destroy(partition, "data", now);
      const refused = await stored;
      if (refused !== undefined) expect(refused).toMatchObject({ code: "destroyed" });
      await expect(keys.find(partition, "data")).rejects.toMatchObject({ code: "destroyed" });
    });
    await Promise.all(races);
  });

  test("the fingerprint that came first is kept", async () => {
    const { keys } = await open();
    const first = new Uint8Array(32).fill(1);
    expect(await keys.fingerprint(first, now)).toEqual(first);
    expect(await keys.fingerprint(new Uint8Array(32).fill(2), now)).toEqual(first);
  });

  test("that cannot be had are unavailable, and no answer about a patient", async () => {
    const { keys, fail } = await open();
    await keys.insert(patient, "data", wrapped, now);
    await fail();
    for (const call of [
      keys.find(patient, "data"),
      keys.insert(patient, "audit", wrapped, now),
      keys.destroy(patient, "data", now),
    ]) {
      await expect(call).rejects.toMatchObject({ code: "unavailable" });
    }
  });
});

describe.each(engines)("a journal %s", (_, open) => {
  const entry = (position: number, subject = `con_${position}`): Entry => ({
    kind: "consent_revoked",
    partition: patient,
    subject,
    time: now,
    position,
    mac: new Uint8Array(32).fill(position),
  });

  test("begins empty, and keeps entries as they were appended, in order", async () => {
    const { journal } = await open();
    const begun = await journal.extent();
    expect(begun.head).toEqual({ position: 0, mac: new Uint8Array() });
    const entries = [entry(1), { ...entry(2), kind: "patient_erased" as const }, entry(3)];
    for (const one of entries) expect(await journal.append(one)).toBe("appended");
    expect(await journal.read(0, 10)).toEqual(entries);
    expect(await journal.read(1, 1)).toEqual([entries[1]]);
    expect(await journal.read(3, 10)).toEqual([]);
    const { position, mac } = entries[2]!;
    expect(await journal.extent()).toEqual({ ...begun, head: { position, mac } });
  });

  test("knows a fact that it has, and takes none that does not follow its head", async () => {
    const { journal } = await open();
    await journal.append(entry(1));
    expect(await journal.append(entry(2, "con_1"))).toBe("known");
    expect(await journal.append(entry(3))).toBe("conflict");
    expect(await journal.append(entry(1, "con_other"))).toBe("conflict");
    expect((await journal.extent()).head.position).toBe(1);
  });

  test("takes one of many that come for the same place", async () => {
    const { journal } = await open();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => journal.append(entry(1, `con_${i}`))),
    );
    expect(results.filter((result) => result === "appended")).toHaveLength(1);
    expect(results.filter((result) => result === "conflict")).toHaveLength(19);
    expect(await journal.read(0, 10)).toHaveLength(1);
  });

  test("that cannot be had is unavailable", async () => {
    const { journal, fail } = await open();
    await journal.append(entry(1));
    await fail();
    await expect(journal.append(entry(2))).rejects.toMatchObject({ code: "unavailable" });
    await expect(journal.read(0, 10)).rejects.toMatchObject({ code: "unavailable" });
  });
});
