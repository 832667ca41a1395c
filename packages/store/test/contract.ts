import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Change, CollectionDeclaration, Document, IndexValue, Store } from "../src/index.ts";
import { describeRoundTrips } from "./contract-round-trips.ts";
import { describeScans } from "./contract-scans.ts";
import { contractCollections, event, idsOf, insert, note } from "./notes.ts";

/** An open store of an engine, with the means to open the same data again and to throw it away. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store if it is open, and opens the same data with the same declarations. */
  reopen(): Promise<Store>;
  dispose(): Promise<void>;
}

export type OpenStoreUnderTest = (collections: readonly CollectionDeclaration[]) => Promise<StoreUnderTest>;

/** What every engine of the store port must hold. */
export function describeStoreContract(name: string, open: OpenStoreUnderTest): void {
  describe(`store contract: ${name}`, () => {
    let subject: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      subject = await open(contractCollections);
      store = subject.store;
    });
    afterEach(() => subject.dispose());

    const invalid = { name: "StoreError", code: "invalid" };
    const read = (id: IndexValue, partition = "eu/p1") => store.get("note", [partition, id]);
    const insertion = (document: Document) => ({ kind: "insert" as const, collection: "note", document });
    const replacement = (document: Document, ifRevision: number) => {
      return { kind: "replace" as const, collection: "note", document, ifRevision };
    };
    const deletion = (id: string, ifRevision?: number) => {
      const guard = ifRevision === undefined ? {} : { ifRevision };
      return { kind: "delete" as const, collection: "note", key: ["eu/p1", id], ...guard };
    };

    describe("commit", () => {
      test("stores an insert under revision 1, and each replace under the next", async () => {
        await insert(store, note("a", { text: "one" }));
        expect(await read("a")).toEqual({ document: note("a", { text: "one" }), revision: 1 });
        const changes = [
          replacement(note("a", { text: "two" }), 1),
          replacement(note("a", { text: "three" }), 2),
        ];
        expect(await store.commit({ partition: "eu/p1", changes })).toEqual({ committed: true });
        expect(await read("a")).toEqual({ document: note("a", { text: "three" }), revision: 3 });
      });

      test("a refused change leaves nothing of its commit, neither documents nor events", async () => {
        await insert(store, note("a"), note("gone"));
        const result = await store.commit({
          partition: "eu/p1",
          changes: [insertion(note("b")), deletion("gone"), insertion(note("a"))],
          events: [event("e1")],
        });
        expect(result).toEqual({ committed: false, reason: "duplicate", change: 2, index: "key" });
        expect(await read("b")).toBeUndefined();
        expect(await read("gone")).toBeDefined();
        expect(await store.readOutbox(10)).toEqual([]);
      });

      test("names the unique index that an insert or a replace met", async () => {
        await insert(store, note("a", { email: "a@x", slot: 1 }), note("b", { email: "b@x", slot: 2 }));
        const commit = (change: ReturnType<typeof insertion> | ReturnType<typeof replacement>) =>
          store.commit({ partition: "eu/p1", changes: [change] });
        const refused = { committed: false, reason: "duplicate", change: 0 };
        expect(await commit(insertion(note("c", { email: "a@x" })))).toEqual({
          ...refused,
          index: "by_email",
        });
        expect(await commit(insertion(note("c", { slot: 2 })))).toEqual({ ...refused, index: "by_slot" });
        expect(await commit(replacement(note("b", { email: "a@x", slot: 2 }), 1))).toEqual({
          ...refused,
          index: "by_email",
        });
        expect(await commit(replacement(note("b", { email: "b@x", slot: 3 }), 1))).toEqual({
          committed: true,
        });
      });

      test("an index without the partition is unique across partitions, one with it is not", async () => {
        await insert(store, note("a", { email: "a@x", slot: 1 }), note("a", { slot: 1 }, "eu/p2"));
        const changes = [insertion(note("b", { email: "a@x" }, "eu/p2"))];
        expect(await store.commit({ partition: "eu/p2", changes })).toMatchObject({ index: "by_email" });
      });

      test("a unique index takes any number of documents without its fields, or with null there", async () => {
        await insert(
          store,
          note("a"),
          note("b"),
          note("c", { email: null, slot: null }),
          note("d", { email: null }),
        );
        expect(await idsOf(store, { equals: ["eu/p1"], limit: 10 })).toEqual(["a", "b", "c", "d"]);
        expect(await idsOf(store, { index: "by_slot", equals: ["eu/p1"], limit: 10 })).toEqual([]);
      });

      test("finds duplicates within one commit, and frees a value within it too", async () => {
        const twice = [insertion(note("a", { email: "x" })), insertion(note("b", { email: "x" }))];
        expect(await store.commit({ partition: "eu/p1", changes: twice })).toMatchObject({
          reason: "duplicate",
          change: 1,
          index: "by_email",
        });
        await insert(store, note("a", { email: "x" }));
        const moved = [deletion("a", 1), insertion(note("b", { email: "x" })), insertion(note("a"))];
        expect(await store.commit({ partition: "eu/p1", changes: moved })).toEqual({ committed: true });
        expect(await read("a")).toEqual({ document: note("a"), revision: 1 });
      });

      test("of concurrent commits with one key, exactly one is stored and its neighbours are untouched", async () => {
        const results = await Promise.all(
          Array.from({ length: 40 }, (_, i) =>
            store.commit({
              partition: "eu/p1",
              changes: [insertion(note(`own${i}`)), insertion(note("shared", { by: i }))],
              events: [event(`e${i}`)],
            }),
          ),
        );
        const winners = results.flatMap((result, i) => (result.committed ? [i] : []));
        expect(winners).toHaveLength(1);
        const [winner] = winners;
        expect((await read("shared"))?.document.by).toBe(winner);
        expect(await idsOf(store, { equals: ["eu/p1"], limit: 100 })).toEqual([`own${winner}`, "shared"]);
        expect((await store.readOutbox(100)).map((entry) => entry.event.id)).toEqual([`e${winner}`]);
      });

      test("guards hold: a replace or delete of another revision, or of nothing, is a conflict", async () => {
        await insert(store, note("a"));
        const conflict = { committed: false, reason: "conflict", change: 0 };
        for (const change of [
          replacement(note("a"), 2),
          replacement(note("b"), 1),
          deletion("a", 2),
          deletion("b", 1),
        ]) {
          expect(await store.commit({ partition: "eu/p1", changes: [change] })).toEqual(conflict);
        }
        expect(await read("a")).toEqual({ document: note("a"), revision: 1 });
        expect(await read("b")).toBeUndefined();
        expect(await store.commit({ partition: "eu/p1", changes: [deletion("a", 1)] })).toEqual({
          committed: true,
        });
        expect(await read("a")).toBeUndefined();
      });

      test("of many guards the first that does not hold is named, and nothing happens", async () => {
        const ids = ["a", "b", "c", "d", "e"];
        await insert(store, ...ids.map((id) => note(id)), note("x", { email: "taken" }));
        const commit = (changes: readonly Change[]) => store.commit({ partition: "eu/p1", changes });
        const conflictAt = (change: number) => ({ committed: false, reason: "conflict", change });
        const replaced = ids.map((id) => replacement(note(id, { rank: 1 }), id === "c" ? 7 : 1));
        expect(await commit(replaced)).toEqual(conflictAt(2));
        const deleted = ids.map((id) => deletion(id, id === "d" ? 7 : 1));
        expect(await commit(deleted)).toEqual(conflictAt(3));
        expect(await commit([insertion(note("f")), ...deleted])).toEqual(conflictAt(4));
        // What comes first counts: a guard before a duplicate, and a duplicate before a guard.
        const meets = (id: string) => replacement(note(id, { email: "taken" }), 1);
        expect(await commit([...replaced, meets("e")])).toEqual(conflictAt(2));
        expect(await commit([meets("a"), ...deleted])).toMatchObject({ reason: "duplicate", change: 0 });
        expect(await commit([replaced[0]!, meets("b"), replaced[2]!])).toMatchObject({
          reason: "duplicate",
          change: 1,
        });
        for (const id of ids) expect(await read(id)).toEqual({ document: note(id), revision: 1 });
        expect(await read("f")).toBeUndefined();
        expect(await commit(ids.map((id) => replacement(note(id, { rank: 2 }), 1)))).toEqual({
          committed: true,
        });
        expect(await commit(ids.map((id) => deletion(id, 2)))).toEqual({ committed: true });
        expect(await idsOf(store, { equals: ["eu/p1"], limit: 100 })).toEqual(["x"]);
      });

      test("a delete without a guard holds where nothing is stored", async () => {
        await insert(store, note("a"));
        const changes = [deletion("a"), deletion("never")];
        expect(await store.commit({ partition: "eu/p1", changes })).toEqual({ committed: true });
        expect(await read("a")).toBeUndefined();
      });

      test("100 concurrent guarded increments with retry lose nothing", async () => {
        const counter = (value: number) => ({ partition: "eu/p1", value });
        const first = { kind: "insert" as const, collection: "counter", document: counter(0) };
        await store.commit({ partition: "eu/p1", changes: [first] });
        const increment = async (): Promise<void> => {
          const stored = (await store.get<Document & { value: number }>("counter", ["eu/p1"]))!;
          const document = counter(stored.document.value + 1);
          const change = {
            kind: "replace" as const,
            collection: "counter",
            document,
            ifRevision: stored.revision,
          };
          const result = await store.commit({ partition: "eu/p1", changes: [change] });
          if (!result.committed) await increment();
        };
        await Promise.all(Array.from({ length: 100 }, increment));
        expect(await store.get("counter", ["eu/p1"])).toEqual({ document: counter(100), revision: 101 });
      });

      test("a read that starts after a commit resolved sees it, among many at once", async () => {
        const seen = Array.from({ length: 50 }, async (_, i) => {
          await store.commit({ partition: `eu/p${i}`, changes: [insertion(note("a", {}, `eu/p${i}`))] });
          return store.get("note", [`eu/p${i}`, "a"]);
        });
        expect((await Promise.all(seen)).filter((stored) => stored === undefined)).toEqual([]);
      });

      test("what the caller changes after the call is not stored", async () => {
        const bytes = new Uint8Array([1, 2, 3]);
        const document = { ...note("a"), bytes, list: [1] };
        const committing = store.commit({ partition: "eu/p1", changes: [insertion(document)] });
        bytes.fill(9);
        document.list.push(2);
        await committing;
        expect((await read("a"))?.document).toEqual(
          note("a", { bytes: new Uint8Array([1, 2, 3]), list: [1] }),
        );
      });

      test("refuses what breaks the contract, and stores nothing of it", async () => {
        const commit = (changes: Parameters<Store["commit"]>[0]["changes"], partition = "eu/p1") =>
          store.commit({ partition, changes });
        const ok = insertion(note("ok"));
        await expect(commit([ok, insertion(note("a", {}, "eu/p2"))])).rejects.toMatchObject(invalid);
        await expect(commit([ok, { ...deletion("a"), key: ["eu/p2", "a"] }])).rejects.toMatchObject(invalid);
        await expect(commit([ok, { ...deletion("a"), key: ["eu/p1"] }])).rejects.toMatchObject(invalid);
        await expect(commit([ok, { ...insertion(note("a")), collection: "other" }])).rejects.toMatchObject(
          invalid,
        );
        await expect(commit([ok, insertion({ partition: "eu/p1" })])).rejects.toMatchObject(invalid);
        await expect(commit([ok, insertion(note("a", { rank: 1.5 }))])).rejects.toMatchObject(invalid);
        await expect(commit([ok, insertion(note("a", { rank: new Date() }))])).rejects.toMatchObject(invalid);
        await expect(commit([ok, replacement(note("a"), 0)])).rejects.toMatchObject(invalid);
        await expect(commit([], "")).rejects.toMatchObject(invalid);
        const events = [{ ...event("e"), subject: "a..b" }];
        await expect(store.commit({ partition: "eu/p1", changes: [ok], events })).rejects.toMatchObject(
          invalid,
        );
        expect(await read("ok")).toBeUndefined();
      });
    });

    describe("outbox", () => {
      test("keeps events in commit order with their partition until they are deleted", async () => {
        for (const id of ["e1", "e2", "e3"]) {
          const events = [event(id), event(`${id}b`)];
          await store.commit({ partition: "eu/p1", changes: [insertion(note(id))], events });
        }
        const entries = await store.readOutbox(5);
        expect(entries.map((entry) => entry.event.id)).toEqual(["e1", "e1b", "e2", "e2b", "e3"]);
        expect(entries[0]).toEqual({
          position: entries[0]?.position,
          partition: "eu/p1",
          event: event("e1"),
        });
        const positions = entries.map((entry) => entry.position);
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
        await store.deleteOutbox(positions.slice(0, 4));
        await store.deleteOutbox(positions.slice(0, 4));
        expect((await store.readOutbox(5)).map((entry) => entry.event.id)).toEqual(["e3", "e3b"]);
      });

      test("counts what waits, and what a collection holds", async () => {
        expect([await store.count(), await store.count("note")]).toEqual([0, 0]);
        await store.commit({ partition: "eu/p1", changes: [insertion(note("a"))], events: [event("e1")] });
        await store.commit({ partition: "eu/p1", changes: [insertion(note("b"))], events: [event("e2")] });
        expect([await store.count(), await store.count("note")]).toEqual([2, 2]);
        const [first] = await store.readOutbox(1);
        await store.deleteOutbox([first!.position]);
        await store.commit({ partition: "eu/p1", changes: [deletion("a", 1)] });
        expect([await store.count(), await store.count("note")]).toEqual([1, 1]);
        await expect(store.count("nothing")).rejects.toMatchObject({ code: "invalid" });
      });

      test("counts a collection apart from what waits", async () => {
        const events = [event("e1"), event("e2"), event("e3")];
        await store.commit({ partition: "eu/p1", changes: [insertion(note("a"))], events });
        expect([await store.count(), await store.count("note"), await store.count("counter")]).toEqual([
          3, 1, 0,
        ]);
      });

      test("never gives a position twice, also after a restart", async () => {
        await store.commit({ partition: "eu/p1", changes: [], events: [event("e1")] });
        const [first] = await store.readOutbox(1);
        await store.deleteOutbox([first!.position]);
        store = await subject.reopen();
        await store.commit({ partition: "eu/p1", changes: [], events: [event("e2")] });
        const [second] = await store.readOutbox(1);
        expect(second!.position).toBeGreaterThan(first!.position);
      });
    });

    describe("lifecycle", () => {
      test("data, revisions and events survive a restart", async () => {
        const changes = [insertion(note("a", { rank: 1 })), replacement(note("a", { rank: 2 }), 1)];
        await store.commit({ partition: "eu/p1", changes, events: [event("e1")] });
        store = await subject.reopen();
        expect(await read("a")).toEqual({ document: note("a", { rank: 2 }), revision: 2 });
        expect(await idsOf(store, { index: "by_rank", equals: ["eu/p1", 2], limit: 1 })).toEqual(["a"]);
        expect((await store.readOutbox(1))[0]?.event).toEqual(event("e1"));
      });

      test("close waits for commits under way, is idempotent, and later calls are unavailable", async () => {
        const committing = store.commit({ partition: "eu/p1", changes: [insertion(note("a"))] });
        await Promise.all([store.close(), store.close()]);
        expect(await committing).toEqual({ committed: true });
        await store.close();
        const unavailable = { name: "StoreError", code: "unavailable" };
        await expect(read("a")).rejects.toMatchObject(unavailable);
        await expect(store.commit({ partition: "eu/p1", changes: [] })).rejects.toMatchObject(unavailable);
        store = await subject.reopen();
        expect(await read("a")).toBeDefined();
      });

      test("reads that break the contract are invalid", async () => {
        await expect(store.get("other", ["eu/p1"])).rejects.toMatchObject(invalid);
        await expect(store.get("note", ["eu/p1"])).rejects.toMatchObject(invalid);
        await expect(store.get("note", ["eu/p1", 1.5])).rejects.toMatchObject(invalid);
        await expect(store.readOutbox(0)).rejects.toMatchObject(invalid);
        await expect(store.deleteOutbox([0])).rejects.toMatchObject(invalid);
      });
    });

    describeScans(() => store);
    describeRoundTrips(() => store);
  });
}
