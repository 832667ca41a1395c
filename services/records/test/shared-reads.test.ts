import type { Document, Page, Stored } from "@wellapi/store";
import { expect, test } from "vitest";
import { type Reads, shareReads } from "../src/read/shared-reads.ts";

/** Counts what it is asked, and answers with a document of its own each time. */
function counting() {
  const asked: string[] = [];
  let failing = false;
  const stored = <D extends Document>() =>
    ({ document: { partition: "p", at: asked.length }, revision: 1 }) as unknown as Stored<D>;
  const reads: Reads = {
    async get<D extends Document>(collection: string, key: readonly unknown[]) {
      asked.push(`get ${collection} ${key.join()}`);
      if (failing) throw new Error("gone");
      return stored<D>();
    },
    async scan<D extends Document>(collection: string, { limit }: { readonly limit: number }) {
      asked.push(`scan ${collection} ${limit}`);
      return { documents: [stored<D>()] } as Page<D>;
    },
  };
  return { reads, asked, fail: () => (failing = true) };
}

const scan = { index: "by_sequence", equals: ["p"], range: { after: 1 }, limit: 16 };

test("what many ask at the same moment is asked of the store once, and they get the same document", async () => {
  const { reads, asked } = counting();
  const shared = shareReads(reads);
  const documents = await Promise.all([1, 2, 3].map(() => shared.get("heads", ["p"])));
  expect(asked).toEqual(["get heads p"]);
  expect(documents[1]).toBe(documents[0]);
  const pages = await Promise.all([1, 2].map(() => shared.scan("blocks", scan)));
  expect(asked).toEqual(["get heads p", "scan blocks 16"]);
  expect(pages[1]).toBe(pages[0]);
});

test("another key, collection or bound is another read", async () => {
  const { reads, asked } = counting();
  const shared = shareReads(reads);
  await Promise.all([
    shared.get("heads", ["p"]),
    shared.get("heads", ["q"]),
    shared.get("tombstones", ["p"]),
    shared.scan("blocks", scan),
    shared.scan("blocks", { ...scan, range: { after: 2 } }),
    shared.scan("tombstones", scan),
  ]);
  expect(asked).toHaveLength(6);
});

test("who asks a moment later is not answered with what was read before, though it is still under way", async () => {
  const { reads, asked } = counting();
  const answers = Promise.withResolvers<void>();
  const shared = shareReads({
    ...reads,
    get: (collection, key) => {
      const answer = reads.get<never>(collection, key);
      return answers.promise.then(() => answer);
    },
  });
  const first = shared.get("heads", ["p"]);
  await new Promise((resolve) => setImmediate(resolve));
  const second = shared.get("heads", ["p"]);
  expect(asked).toHaveLength(2);
  answers.resolve();
  expect(await second).not.toBe(await first);
});

test("a read that fails fails for all who share it, and the next one is a new one", async () => {
  const { reads, asked, fail } = counting();
  fail();
  const shared = shareReads(reads);
  const outcomes = await Promise.allSettled([shared.get("heads", ["p"]), shared.get("heads", ["p"])]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(shared.get("heads", ["p"])).rejects.toThrow("gone");
  expect(asked).toHaveLength(2);
});
