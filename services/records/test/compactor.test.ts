import { createLogger, type DamagedDocument, randomIds } from "@wellapi/runtime";
import type { Columns } from "@wellapi/series";
import type { Change, Stored } from "@wellapi/store";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { MAX_BLOCK_REACH_MS } from "../src/blocks/block-limits.ts";
import {
  type BlockDocument,
  type CompactedDocument,
  type Head,
  isCompacted,
} from "../src/blocks/documents.ts";
import { headAfterData } from "../src/blocks/head.ts";
import { headChange, loadHead } from "../src/blocks/head-repository.ts";
import { withBox } from "../src/blocks/patient-box.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { createCompactionRepository, Overtaken } from "../src/compaction/compaction-repository.ts";
import { openCompactor } from "../src/compaction/compactor.ts";
import type { SeriesItem } from "../src/write/batch.ts";
import { seriesWrites } from "../src/write/batch-writes.ts";
import { openStoreAndVault } from "./open-box.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const april = Date.UTC(2016, 3, 1);
const partition = "eu/pat_1";

/** A store of records and a clock that the test moves, without a service around them. */
async function openBench() {
  const { store, vault } = await openStoreAndVault(partition);
  const clock = { time: april, now: () => clock.time, monotonic: () => clock.time };
  const damaged: DamagedDocument[] = [];
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ name: "test", env: { WELLAPI_LOG_FORMAT: "json" }, destination });
  const queue = createPatientQueue();
  const damage = { report: (one: DamagedDocument) => void damaged.push(one) };
  const deps = {
    store,
    vault,
    queue,
    clock,
    ids: randomIds,
    damage,
    log,
    enforcer: { ready: async () => {} },
  };

  /** Commits samples of devices of a patient, one block each. */
  async function commit(
    blocks: readonly { readonly device?: string; readonly times: readonly number[] }[],
    of = partition,
  ): Promise<void> {
    const head = await loadHead(store, of);
    const sequence = (head?.document.sequence ?? 0) + 1;
    const accepted = blocks.map(({ device = "d", times }, index) => {
      const mantissas = Float64Array.from(times, () => 60);
      const columns: Columns = {
        ...{ times: Float64Array.from(times), offsetMinutes: 0, durationMs: 0, unit: "/min" },
        values: { kind: "decimal", scale: 0, mantissas },
      };
      const item: SeriesItem = {
        ...{ device, model: "Band", method: 1, granularity: 1, code: "8867-4", columns },
        ...{ field: "series[0]", times, violations: [] },
      };
      return { item, index, consent: { consent: "con", version: 1 } };
    });
    const context = {
      ...{ partition: of, batch: `bat_${sequence}`, sequence, organization: "org", application: "app" },
      ...{ received: clock.time, isStored: () => true },
    };
    const { changes } = await withBox(vault, of, (box) => seriesWrites(box, context, accepted));
    const added = { samples: true, observations: false };
    const next = headAfterData(of, head?.document, sequence, added, clock.time);
    const all = [headChange(of, head, next), ...changes];
    expect((await store.commit({ partition: of, changes: all })).committed).toBe(true);
  }

  return {
    ...{ store, vault, clock, deps, damaged, commit },
    repository: createCompactionRepository(store, queue),
    said: (text: string) => lines.filter((line) => line.includes(text)).length,
    pass: (signal = new AbortController().signal) => createPass(deps, signal),
    compactor(afterMs: number) {
      const compactor = openCompactor(deps, afterMs);
      onTestFinished(() => compactor.close());
      return compactor;
    },
    async blocks(of = partition) {
      const { documents } = await store.scan<BlockDocument | CompactedDocument>("blocks", {
        equals: [of],
        limit: 1_000,
      });
      return documents;
    },
    head: async (of = partition) => (await loadHead(store, of))!.document,
    async insert(documents: readonly (BlockDocument | CompactedDocument)[]) {
      const changes = documents.map(
        (document): Change => ({ kind: "insert", collection: "blocks", document }),
      );
      expect((await store.commit({ partition, changes })).committed).toBe(true);
    },
  };
}

const counts = (blocks: readonly Stored<BlockDocument | CompactedDocument>[]) =>
  blocks.map(({ document }) => [isCompacted(document), document.count]).sort();

/** A block as it lies in the store, of which nobody opens the seal. */
function block(sequence: number, item = 0, more: Partial<BlockDocument> = {}): BlockDocument {
  const place = {
    partition,
    batch: `bat_${String(sequence).padStart(4, "0")}`,
    item,
    series: "s",
    code: "c",
  };
  const ends = { from_ms: april + sequence, to_ms: april + sequence + 1, until_ms: april + sequence + 1 };
  return { ...place, ...ends, count: 1, sequence, hidden: 0, sealed: new Uint8Array(), ...more };
}

function compactedBlock(name: string, from: number, series = "s"): CompactedDocument {
  const { sequence: _, hidden: _hidden, ...place } = block(1);
  const ends = { from_ms: from, to_ms: from + 1, until_ms: from + 1 };
  return { ...place, ...ends, batch: name, series, first_sequence: 1, last_sequence: 1 };
}

describe("a round of compaction", () => {
  const many = (count: number, more: Partial<BlockDocument> = {}) =>
    Array.from({ length: count }, (_, i) => block(i + 1, 0, more));

  it("has about 64 blocks: all commits whose blocks it surely has, and the rest comes with the next", async () => {
    const { repository, insert } = await openBench();
    await insert(many(100));
    const first = await repository.nextRound(partition, 0, 100);
    expect([first.blocks.length, first.reached]).toEqual([64, 63]);
    const second = await repository.nextRound(partition, first.reached, 100);
    expect([second.blocks.length, second.reached]).toEqual([37, 100]);
    expect(second.blocks[0]!.document.sequence).toBe(64);
    const none = await repository.nextRound(partition, 100, 120);
    expect([none.blocks, none.reached]).toEqual([[], 120]);
  });

  it("has fewer where they hold 20,000 samples", async () => {
    const { repository, insert } = await openBench();
    await insert(many(64, { count: 625 }));
    const round = await repository.nextRound(partition, 0, 64);
    expect([round.blocks.length, round.reached]).toEqual([32, 31]);
    const fewer = await openBench();
    await fewer.insert(many(40, { count: 624 }));
    expect((await fewer.repository.nextRound(partition, 0, 40)).reached).toBe(40);
  });

  it("has a commit whole, however many blocks it has", async () => {
    const { repository, insert } = await openBench();
    await insert(Array.from({ length: 100 }, (_, item) => block(1, item)));
    const round = await repository.nextRound(partition, 0, 1);
    expect([round.blocks.length, round.reached]).toEqual([100, 1]);
  });

  it("has nothing that was taken back, and nothing of commits after the pass began", async () => {
    const { repository, insert } = await openBench();
    await insert([block(1), block(2, 0, { hidden: 3 }), block(3), block(4)]);
    const { blocks } = await repository.nextRound(partition, 1, 3);
    expect(blocks.map(({ document }) => document.sequence)).toEqual([3]);
  });
});

describe("compacted blocks near a stretch", () => {
  it("are those that may reach into it, of its series, however many lie there", async () => {
    const { repository, insert } = await openBench();
    const from = april + 100 * DAY;
    const near = Array.from({ length: 70 }, (_, i) => compactedBlock(`near_${i}`, from + i));
    await insert([
      compactedBlock("too early", from - MAX_BLOCK_REACH_MS - 1),
      compactedBlock("just reaches", from - MAX_BLOCK_REACH_MS),
      ...near,
      compactedBlock("behind", from + 1_000),
      compactedBlock("of another series", from, "t"),
      block(1, 0, { from_ms: from }),
    ]);
    const found = await repository.compactedNear(partition, "s", from, from + 1_000);
    expect(found.map(({ document }) => document.batch)).toEqual([
      "just reaches",
      ...near.map(({ batch }) => batch),
    ]);
    expect(new Set(found.map(({ revision }) => revision))).toEqual(new Set([1]));
  });
});

describe("a commit of compaction", () => {
  it("gives way where there is no data, and where the patient was erased", async () => {
    const { repository, store, commit, head } = await openBench();
    await expect(repository.commit(partition, (now) => now, [])).rejects.toThrow(Overtaken);
    expect(await repository.head(partition)).toBeUndefined();
    await commit([{ times: [april] }]);
    expect(await repository.head(partition)).toEqual(await head());
    const erased: Head = { ...(await head()), erased: true };
    const change = headChange(partition, await loadHead(store, partition), erased);
    await store.commit({ partition, changes: [change] });
    await expect(repository.commit(partition, (now) => now, [])).rejects.toThrow(Overtaken);
    expect(await repository.head(partition)).toBeUndefined();
  });

  it("gives way where another commit has changed a block that it would replace", async () => {
    const { repository, commit, blocks, head } = await openBench();
    await commit([{ times: [april] }]);
    const before = await head();
    const [{ document, revision }] = (await blocks()) as [Stored<BlockDocument>];
    const key = [partition, document.batch, document.item];
    const stale: Change = { kind: "delete", collection: "blocks", key, ifRevision: revision + 1 };
    await expect(repository.commit(partition, (now) => ({ ...now, moves: 1 }), [stale])).rejects.toThrow(
      Overtaken,
    );
    expect([await head(), (await blocks()).length]).toEqual([before, 1]);
  });
});

describe("a pass", () => {
  it("rests as long as it has worked, and no longer", async () => {
    const { deps, commit, clock, store } = await openBench();
    await commit([{ times: [april] }]);
    // A machine that has run for an hour, on which each commit takes a quarter of a second.
    let monotonic = 3_600_000;
    const { commit: commitNow } = store;
    store.commit = async (asked) => {
      monotonic += 250;
      return commitNow.call(store, asked);
    };
    const slow = { ...deps, clock: { now: clock.now, monotonic: () => monotonic } };
    const began = performance.now();
    await createPass(slow, new AbortController().signal)(partition);
    // Timers may fire a millisecond early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(249);
  }, 60_000);

  it("of a patient without data changes nothing", async () => {
    const { pass, store } = await openBench();
    await pass()("eu/pat_2");
    expect(await store.get("heads", ["eu/pat_2"])).toBeUndefined();
  });

  it("merges each series for itself, in as many rounds as it takes, and notes how far it went", async () => {
    const { pass, commit, blocks, head } = await openBench();
    for (let i = 0; i < 70; i++) {
      await commit([{ times: [april + i * MINUTE] }, { device: "e", times: [april + i * MINUTE] }]);
    }
    await pass()(partition);
    // A round has 64 blocks, of both series; six more are too few to merge 64 again.
    const merged = (await blocks()).map(({ document }) => document.count);
    expect(merged.reduce((sum, count) => sum + count, 0)).toBe(140);
    expect((await blocks()).every(({ document }) => isCompacted(document))).toBe(true);
    const { compacted, moved_to, loose_since_ms } = await head();
    expect([compacted, moved_to, loose_since_ms]).toEqual([70, 70, undefined]);
  });

  it("leaves what comes meanwhile to the next one: it waits since the pass began", async () => {
    const { pass, commit, store, clock, blocks, head } = await openBench();
    await commit([{ times: [april] }]);
    await commit([{ times: [april + MINUTE] }]);
    clock.time += DAY;
    const { scan } = store;
    store.scan = async (...call) => {
      store.scan = scan;
      clock.time += MINUTE;
      await commit([{ times: [april + 2 * MINUTE] }]);
      return scan.call(store, ...call) as never;
    };
    await pass()(partition);
    expect(counts(await blocks())).toEqual([
      [false, 1],
      [true, 2],
    ]);
    expect(await head()).toMatchObject({ compacted: 2, sequence: 3, loose_since_ms: april + DAY });
    await pass()(partition);
    expect(counts(await blocks())).toEqual([[true, 3]]);
  });

  it("stops between two merges once it is told to, and has noted no more than it has done", async () => {
    const { pass, commit, store, blocks, head } = await openBench();
    await commit([{ times: [april] }, { device: "e", times: [april] }]);
    const ends = new AbortController();
    const { commit: commitNow } = store;
    store.commit = async (asked) => {
      const result = await commitNow.call(store, asked);
      ends.abort();
      return result;
    };
    await expect(pass(ends.signal)(partition)).rejects.toThrow("abort");
    expect(counts(await blocks())).toEqual([
      [false, 1],
      [true, 1],
    ]);
    expect((await head()).compacted).toBeUndefined();
  });

  it("reports a damaged block, leaves it as it is, and merges the others", async () => {
    const { pass, commit, store, blocks, damaged, head } = await openBench();
    const damageOf = async (batch: string) => {
      const { document, revision } = (await blocks()).find((one) => one.document.batch === batch)!;
      const sealed = Uint8Array.from(document.sealed);
      sealed[20]! ^= 1;
      const changed = { ...document, sealed };
      const change = {
        kind: "replace" as const,
        collection: "blocks",
        document: changed,
        ifRevision: revision,
      };
      expect((await store.commit({ partition, changes: [change] })).committed).toBe(true);
    };
    await commit([{ times: [april] }]);
    await commit([{ times: [april + MINUTE] }]);
    await commit([{ times: [april + 2 * MINUTE] }]);
    await damageOf("bat_2");
    await pass()(partition);
    expect(counts(await blocks())).toEqual([
      [false, 1],
      [true, 2],
    ]);
    expect(damaged.map(({ document }) => document)).toEqual([[partition, "bat_2", "0"]]);
    // Where all that is new is damaged, nothing is written but how far it went.
    const before = (await blocks()).length;
    await commit([{ times: [april + 3 * MINUTE] }]);
    await damageOf("bat_4");
    const { moves } = await head();
    await pass()(partition);
    expect(await blocks()).toHaveLength(before + 1);
    expect(await head()).toMatchObject({ moves, compacted: 4, moved_to: 3 });
  });
});

describe("compaction in the background", () => {
  it("says how long the oldest block has waited", async () => {
    const { compactor, commit, clock, vault } = await openBench();
    const { waitingMs } = compactor(DAY);
    expect(await waitingMs()).toBe(0);
    await commit([{ times: [april] }]);
    clock.time += 10 * MINUTE;
    await vault.create("eu/pat_2", "data");
    await commit([{ times: [april] }], "eu/pat_2");
    clock.time += MINUTE;
    expect(await waitingMs()).toBe(11 * MINUTE);
    clock.time = april - MINUTE;
    expect(await waitingMs()).toBe(0);
  });

  it("is of blocks that have waited long enough, looks again and again, and ends when it is closed", async () => {
    const { compactor, commit, clock, blocks, said } = await openBench();
    await commit([{ times: [april] }]);
    clock.time += 499;
    const running = compactor(500);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(counts(await blocks())).toEqual([[false, 1]]);
    clock.time += 1;
    await vi.waitFor(async () => expect(counts(await blocks())).toEqual([[true, 1]]), { timeout: 15_000 });
    await running.close();
    await commit([{ times: [april + MINUTE] }]);
    clock.time += DAY;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(counts(await blocks())).toEqual([
      [false, 1],
      [true, 1],
    ]);
    expect(said("compact")).toBe(0);
  });

  it("looks ten times in the time after which blocks are due", async () => {
    const { compactor, commit, clock, blocks } = await openBench();
    await commit([{ times: [april] }]);
    compactor(10_000);
    await new Promise((resolve) => setTimeout(resolve, 100)); // it has looked, and found nothing
    clock.time += DAY;
    await vi.waitFor(async () => expect(counts(await blocks())).toEqual([[true, 1]]), { timeout: 15_000 });
  });

  it("that is closed goes on with no other patient, which is no failure", async () => {
    const { compactor, commit, clock, store, vault, blocks, said } = await openBench();
    await vault.create("eu/pat_2", "data");
    await commit([{ times: [april] }]);
    clock.time += 1;
    await commit([{ times: [april] }], "eu/pat_2");
    clock.time += DAY;
    const { commit: commitNow } = store;
    const merging = Promise.withResolvers<void>();
    const closing = Promise.withResolvers<void>();
    store.commit = async (asked) => {
      merging.resolve();
      await closing.promise;
      return commitNow.call(store, asked);
    };
    const running = compactor(100);
    await merging.promise;
    const closed = running.close();
    closing.resolve();
    await closed;
    expect(counts(await blocks())).toEqual([[true, 1]]);
    expect(counts(await blocks("eu/pat_2"))).toEqual([[false, 1]]);
    expect(said("compact")).toBe(0);
  });

  it("begins once keys may be used, and is no more once that will never be", async () => {
    const { deps, commit, clock, blocks, said } = await openBench();
    await commit([{ times: [april] }]);
    clock.time += DAY;
    const session = Promise.withResolvers<void>();
    const waits = openCompactor({ ...deps, enforcer: { ready: () => session.promise } }, 100);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(counts(await blocks())).toEqual([[false, 1]]);
    session.resolve();
    await vi.waitFor(async () => expect(counts(await blocks())).toEqual([[true, 1]]), { timeout: 15_000 });
    await waits.close();
    expect(said("compaction has ended")).toBe(0);
    const closed = async () => {
      throw new Error("the enforcer is closed");
    };
    const ended = openCompactor({ ...deps, enforcer: { ready: closed } }, 100);
    await vi.waitFor(() => expect(said("compaction has ended")).toBe(1), 15_000);
    await ended.close();
  });

  it("goes on with the other patients where one fails, and says so; another commit's precedence is no failure", async () => {
    const { compactor, commit, clock, store, vault, blocks, said } = await openBench();
    await vault.create("eu/pat_2", "data");
    await commit([{ times: [april] }]);
    clock.time += 1;
    await commit([{ times: [april] }], "eu/pat_2");
    const { commit: commitNow } = store;
    let failure: "overtaken" | "fails" | undefined = "overtaken";
    let failed = 0;
    store.commit = async (asked) => {
      if (asked.partition !== partition || failure === undefined) return commitNow.call(store, asked);
      failed++;
      if (failure === "fails") throw new TypeError("a fault of ours");
      return { committed: false, reason: "conflict", change: 0 };
    };
    clock.time += DAY;
    compactor(100);
    await vi.waitFor(async () => expect(counts(await blocks("eu/pat_2"))).toEqual([[true, 1]]), 15_000);
    await vi.waitFor(() => expect(failed).toBeGreaterThan(1), { timeout: 15_000 });
    expect(said("were not compacted")).toBe(0);
    failure = "fails";
    await vi.waitFor(() => expect(said("were not compacted")).toBeGreaterThan(0), { timeout: 15_000 });
    failure = undefined;
    await vi.waitFor(async () => expect(counts(await blocks())).toEqual([[true, 1]]), { timeout: 15_000 });
  });

  it("tells an operator where the store cannot say what is to be done, and tries again", async () => {
    const { compactor, commit, clock, store, blocks, said } = await openBench();
    await commit([{ times: [april] }]);
    clock.time += DAY;
    const { scan } = store;
    store.scan = () => Promise.reject(new Error("the disk is gone"));
    compactor(100);
    await vi.waitFor(() => expect(said("could not be listed")).toBeGreaterThan(1), { timeout: 15_000 });
    store.scan = scan;
    await vi.waitFor(async () => expect(counts(await blocks())).toEqual([[true, 1]]), { timeout: 15_000 });
  });
});
