import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Erasure_State } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Actor_Kind, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createJournal, type Entry, type Fact, openFileJournal } from "@wellapi/journal";
import { createLogger } from "@wellapi/runtime";
import { type Commit, openSqliteStore, type Store } from "@wellapi/store";
import { openLocalKms } from "@wellapi/vault";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ErasureDocument, Head } from "../src/blocks/documents.ts";
import { recordsCollections } from "../src/index.ts";
import { movedClock } from "./release-scene.ts";
import {
  append,
  heartRates,
  openScene,
  openWorld,
  queryInit,
  readAll,
  reasonOf,
  type World,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const HOUR = 3_600_000;

const ofPatient = new Set(["blocks", "series", "receipts", "tombstones"]);

type Scene = Pick<Awaited<ReturnType<typeof openScene>>, "world" | "patient">;

const erase = ({ world, patient }: Scene) =>
  world.own(patient).erasePatient({ patient: world.ownId(patient) });
const progress = ({ world, patient }: Scene) =>
  world.own(patient).getErasure({ patient: world.ownId(patient) });

async function entriesOf({ accesses }: World, method: string) {
  return (await accesses())
    .filter((access) => access.method.endsWith(`/${method}`))
    .map(({ phase, outcome, reason }) => [Access_Phase[phase], Access_Outcome[outcome], reason]);
}

/** Looks for receipts fail until `mend` is called, so that an erasure stops there. */
function cutAtReceipts({ store }: World, partition?: string) {
  const { scan } = store;
  store.scan = async (collection, asked) => {
    if (collection === "receipts" && (partition === undefined || asked.equals[0] === partition)) {
      throw new Error("cut");
    }
    return scan.call(store, collection, asked) as never;
  };
  return function mend() {
    store.scan = scan;
  };
}

const begins = ({ changes }: Commit) =>
  changes.some(({ kind, collection }) => kind === "insert" && collection === "erasures");
const replaced = ({ changes }: Commit) =>
  changes.flatMap((change) =>
    change.kind === "replace" && change.collection === "erasures" ? [change.document as ErasureDocument] : [],
  );

/** A commit of another replica: it changes nothing but the document's revision. */
async function touch(commit: Store["commit"], store: Store, collection: string, partition: string) {
  const { document, revision } = (await store.get<Head>(collection, [partition]))!;
  const change = { kind: "replace" as const, collection, document, ifRevision: revision };
  expect((await commit.call(store, { partition, changes: [change] })).committed).toBe(true);
}

function logOf(lines: string[]) {
  const destination = { write: (line: string) => void lines.push(line) };
  return createLogger({ name: "test", env: { WELLAPI_LOG_FORMAT: "json" }, destination });
}

/** The entries of a journal that no service has open, after those facts were recorded. */
async function journalOf(folder: string, ...facts: Fact[]): Promise<Entry[]> {
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const repository = await openFileJournal({ thread: "callers", folder: join(folder, "journal") });
  const journal = await createJournal({ repository, kms });
  for (const fact of facts) await journal.append(fact);
  const entries = await Array.fromAsync(journal.entries((await journal.extent()).base));
  await repository.close();
  await kms.close();
  return entries;
}

describe("an erasure", () => {
  it("is one, however often it is asked for at once", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [70])]);
    const [first, ...others] = await Promise.all([erase(scene), erase(scene), erase(scene)]);
    for (const other of others) expect(other).toEqual(first);
    const entries = await entriesOf(scene.world, "ErasePatient");
    expect(entries.map(([phase]) => phase).sort()).toEqual(["CALL", "CALL", "CLOSED", "OPENED"]);
  });

  it("ends the patient's consents, and its closing entry says how much was deleted, and for whom", async () => {
    const scene = await openScene();
    const { world, patient, consent, contribution } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    await append(scene, "r2", [heartRates(T0, [71])]);
    const { receipt } = (await erase(scene)).erasure!;
    expect([consent, contribution].map(world.consent.stands)).toEqual([false, false]);
    const closed = (await world.accesses()).find(({ phase }) => phase === Access_Phase.CLOSED)!;
    expect(receipt!.documentsDeleted).toBe(4);
    expect(closed).toMatchObject({
      ...{ items: 4, patient: world.ownId(patient), organization: "", workload: "records", codes: [] },
      actor: { kind: Actor_Kind.SERVICE, id: "records" },
    });
  });

  it("deletes whatever there is of the patient, a few documents in each commit", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const { batch } = await append(scene, "wrong", [heartRates(T0, [70])]);
    await Promise.all(
      Array.from({ length: 70 }, (_, i) => append(scene, `r${i}`, [heartRates(T0 + i * 60_000, [70])])),
    );
    const target = { case: "batch" as const, value: batch };
    await world.writer(maker).retractBatch({
      retraction: {
        patient: world.idFor(maker, patient),
        target,
        reason: RetractionReason.ENTERED_IN_ERROR,
      },
    });
    const deletes: number[] = [];
    // Leaves that audit has taken are deleted meanwhile, too, in commits of their own.
    world.store.committed = async ({ changes }) =>
      void deletes.push(
        changes.filter(({ kind, collection }) => kind === "delete" && ofPatient.has(collection)).length,
      );
    const { receipt } = (await erase(scene)).erasure!;
    // A block and a receipt of each batch.
    expect(receipt!.documentsDeleted).toBe(142);
    expect(Math.max(...deletes)).toBe(64);
    for (const collection of ofPatient) {
      const { documents } = await world.store.scan(collection, { equals: [patient.partition], limit: 1 });
      expect(documents, collection).toEqual([]);
    }
  });

  it("begins behind commits that come between, and not at all where they never stop", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const { commit } = store;
    let attempts = 0;
    let overtaken = Number.POSITIVE_INFINITY;
    store.commit = async (asked) => {
      if (begins(asked) && attempts++ < overtaken) await touch(commit, store, "heads", asked.partition);
      return commit.call(store, asked);
    };
    expect(await reasonOf(erase(scene))).toBe("STORE_UNAVAILABLE");
    expect(attempts).toBe(16);
    expect(await readAll(scene)).toHaveLength(1);
    expect(await reasonOf(progress(scene))).toBe("NOT_FOUND");
    [attempts, overtaken] = [0, 3];
    expect((await erase(scene)).erasure!.state).toBe(Erasure_State.DONE);
    expect(attempts).toBe(4);
  });

  it("counts nothing twice where another replica does a step first", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const { commit } = store;
    let first = true;
    store.commit = async (asked) => {
      if (
        first &&
        asked.changes.some(({ kind, collection }) => kind === "delete" && collection === "blocks")
      ) {
        first = false;
        await touch(commit, store, "erasures", asked.partition);
      }
      return commit.call(store, asked);
    };
    expect(await reasonOf(erase(scene))).toBe("ERASURE_INCOMPLETE");
    expect((await erase(scene)).erasure!.receipt!.documentsDeleted).toBe(2);
  });

  it("names the keys that it destroyed, and when, also where it was cut right after", async () => {
    const clock = movedClock(T0 + HOUR);
    const scene = await openScene({}, { clock, resumeEveryMs: 600_000 });
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const keyIds = await world.vault.keyIds(patient.partition, "data");
    const { commit } = world.store;
    world.store.commit = async (asked) => {
      if (replaced(asked).some(({ key_destroyed_ms }) => key_destroyed_ms > 0)) throw new Error("cut");
      return commit.call(world.store, asked);
    };
    expect(await reasonOf(erase(scene))).toBe("ERASURE_INCOMPLETE");
    await expect(world.vault.key(patient.partition, "data")).rejects.toMatchObject({ code: "destroyed" });
    world.store.commit = commit;
    clock.time += HOUR;
    const mend = cutAtReceipts(world);
    expect(await reasonOf(erase(scene))).toBe("ERASURE_INCOMPLETE");
    mend();
    clock.time += HOUR;
    const { receipt } = (await erase(scene)).erasure!;
    expect(receipt!.keyIds).toEqual(keyIds);
    // The time is of the step that noted it: what comes later does not move it.
    expect(timestampMs(receipt!.keyDestroyTime!)).toBe(T0 + 2 * HOUR);
  });

  it("reaches audit by itself: its beginning at once, though it stops, and its end", async () => {
    const scene = await openScene({}, { resumeEveryMs: 50 });
    const { world } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    await world.accesses();
    const phases = () =>
      world.leaves
        .filter(({ access }) => access.method.endsWith("/ErasePatient"))
        .map(({ access }) => Access_Phase[access.phase]);
    const mend = cutAtReceipts(world);
    expect(await reasonOf(erase(scene))).toBe("ERASURE_INCOMPLETE");
    await vi.waitFor(() => expect(phases()).toEqual(["OPENED"]), 15_000);
    mend();
    await vi.waitFor(() => expect(phases()).toEqual(["OPENED", "CLOSED"]), { timeout: 15_000 });
  });

  it("that stops is an operator's matter, and keeps no other from going on", async () => {
    const lines: string[] = [];
    const world = await openWorld({ resumeEveryMs: 50, log: logOf(lines) });
    const patients = [world.patient(), world.patient()].sort((a, b) => (a.partition < b.partition ? -1 : 1));
    const mendAll = cutAtReceipts(world);
    for (const patient of patients) {
      expect(await reasonOf(erase({ world, patient }))).toBe("ERASURE_INCOMPLETE");
    }
    const said = (text: string) => lines.filter((line) => line.includes(text) && line.includes("cut")).length;
    expect(said("an erasure has stopped")).toBe(2);
    mendAll();
    // The one that is looked at first goes on failing.
    const mend = cutAtReceipts(world, patients[0]!.partition);
    const erased = () => patients.map(({ partition }) => world.patients.get(partition)!.erased !== undefined);
    await vi.waitFor(() => expect(erased()).toEqual([false, true]), { timeout: 15_000 });
    expect(said("could not be continued")).toBeGreaterThan(0);
    mend();
    await vi.waitFor(() => expect(erased()).toEqual([true, true]), { timeout: 15_000 });
  });

  it("is not begun by a carer, who reads on; and is by the patient", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const asked = { patient: world.ownId(patient) };
    const carer = world.own(patient, { kind: "carer", id: "usr_grace" });
    expect(await reasonOf(carer.erasePatient(asked))).toBe("CALLER_NOT_PERMITTED");
    expect(await reasonOf(carer.getErasure(asked))).toBe("NOT_FOUND");
    const own = queryInit(world.ownId(patient), { purpose: Purpose.PATIENT_REQUEST });
    expect((await carer.querySeries(own)).series).toHaveLength(1);
    expect(await entriesOf(world, "ErasePatient")).toEqual([["CALL", "DENIED", "CARER"]]);
    expect((await erase(scene)).erasure!.state).toBe(Erasure_State.DONE);
  });

  it("and each question about it leave an entry, also where they are denied", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const stranger = world.own(world.patient());
    const asked = { patient: world.ownId(patient) };
    expect(await reasonOf(progress(scene))).toBe("NOT_FOUND");
    expect(await reasonOf(stranger.getErasure(asked))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(stranger.erasePatient(asked))).toBe("CONSENT_REQUIRED");
    await erase(scene);
    await progress(scene);
    // Entries of one millisecond have no order.
    expect((await entriesOf(world, "GetErasure")).sort()).toEqual([
      ["CALL", "DENIED", "NOT_FOUND"],
      ["CALL", "DENIED", "NOT_OWN"],
      ["CALL", "PERMITTED", ""],
    ]);
    expect((await entriesOf(world, "ErasePatient")).sort()).toEqual([
      ["CALL", "DENIED", "NOT_OWN"],
      ["CLOSED", "PERMITTED", ""],
      ["OPENED", "PERMITTED", ""],
    ]);
  });
});

describe("the journal", () => {
  it("is told of an erasure, and what came from a backup is erased again before anybody is served", async () => {
    const { world, patient, backup, receipt } = await openErased();
    expect(await journalOf(world.folder)).toMatchObject([
      {
        kind: "patient_erased",
        partition: patient.partition,
        subject: receipt.id,
        time: timestampMs(receipt.keyDestroyTime!),
      },
    ]);
    await backup.restore(/^(records|keys)\.db/);
    delete world.patients.get(patient.partition)!.erased;
    const { store, attempts } = overtakenStore(world.folder, 15);
    const again = await openWorld({ folder: world.folder, patients: world.patients, openStore: store });
    expect(attempts()).toBe(16);
    await expect(again.vault.key(patient.partition, "data")).rejects.toMatchObject({ code: "destroyed" });
    expect((await again.store.get<Head>("heads", [patient.partition]))!.document.erased).toBe(true);
    await vi.waitFor(() => expect(again.patients.get(patient.partition)!.erased).toBeDefined(), 15_000);
    await vi.waitFor(
      async () => expect((await progress({ world: again, patient })).erasure!.state).toBe(Erasure_State.DONE),
      15_000,
    );
    const { erasure } = await progress({ world: again, patient });
    const { access: _, jws: _jws, ...said } = receipt;
    expect(erasure!.receipt).toMatchObject(said);
    expect((await entriesOf(again, "ErasePatient")).sort()).toEqual([
      ["CLOSED", "PERMITTED", ""],
      ["OPENED", "PERMITTED", "REPLAYED_AFTER_RESTORE"],
    ]);
  });

  it("is followed before anybody is served: where other commits never stop, nobody is", async () => {
    const { world, backup } = await openErased();
    await backup.restore(/^(records|keys)\.db/);
    const { store, attempts } = overtakenStore(world.folder, Number.POSITIVE_INFINITY);
    const { folder, patients } = world;
    await expect(openWorld({ folder, patients, openStore: store })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    expect(attempts()).toBe(16);
  });

  it("erases nobody by its other facts", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    await world.close();
    const { folder, patients } = world;
    const { partition } = patient;
    await journalOf(folder, { kind: "consent_revoked", partition, subject: "con_1", time: Date.now() });
    const again = await openWorld({ folder, patients });
    const own = queryInit(again.ownId(patient), { purpose: Purpose.PATIENT_REQUEST });
    expect((await again.own(patient).querySeries(own)).series).toHaveLength(1);
    expect(await reasonOf(progress({ world: again, patient }))).toBe("NOT_FOUND");
  });

  it("also keeps a key destroyed that came from a backup without the data", async () => {
    const { world, patient, backup, receipt } = await openErased();
    await backup.restore(/^keys\.db/);
    const again = await openWorld({ folder: world.folder, patients: world.patients });
    await expect(again.vault.key(patient.partition, "data")).rejects.toMatchObject({ code: "destroyed" });
    expect((await progress({ world: again, patient })).erasure!.receipt).toEqual(receipt);
    expect(await entriesOf(again, "ErasePatient")).toEqual([]);
  });
});

/** A folder's store in which other commits come between the beginning of an erasure, so many times. */
function overtakenStore(folder: string, times: number) {
  let attempts = 0;
  return {
    attempts: () => attempts,
    async store(): Promise<Store> {
      const path = join(folder, "records.db");
      const store = await openSqliteStore({ thread: "callers", path, collections: recordsCollections });
      return {
        ...store,
        commit: async (asked) =>
          begins(asked) && attempts++ < times
            ? { committed: false, reason: "conflict", change: 0 }
            : store.commit(asked),
      };
    },
  };
}

/** A patient with data, of which there is a backup, who was erased after it; the world is closed. */
async function openErased() {
  const scene = await openScene();
  const { world, patient } = scene;
  await append(scene, "r1", [heartRates(T0, [70])]);
  await world.close();
  const { folder, patients } = world;
  const copy = await mkdtemp(join(tmpdir(), "wellapi-backup-"));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  await cp(folder, copy, { recursive: true });
  const later = await openWorld({ folder, patients });
  const { erasure } = await erase({ world: later, patient });
  await later.accesses();
  await later.close();
  const namesOf = async (of: string, which: RegExp) => (await readdir(of)).filter((name) => which.test(name));
  return {
    ...{ world, patient, receipt: erasure!.receipt! },
    backup: {
      /** Puts back the files of these names. */
      async restore(which: RegExp) {
        for (const name of await namesOf(folder, which)) await rm(join(folder, name));
        for (const name of await namesOf(copy, which)) await cp(join(copy, name), join(folder, name));
      },
    },
  };
}
