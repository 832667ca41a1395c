import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import {
  AuditIntakeService,
  type Leaf,
} from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { type Logger, randomIds, systemClock } from "@wellapi/runtime";
import { type Commit, type Scan, type Store, StoreError } from "@wellapi/store";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDrain } from "../src/drain.ts";
import { createLeafSealer } from "../src/index.ts";
import { createLeafDocument, encodeLeafDocument, type LeafDocument } from "../src/leaf.ts";
import type { Reserve } from "../src/reserve.ts";

// In a time that the test moves, over an outbox in memory: what the drain does, and when, step by step.

const patient = "local/pat_1";
const gatherMs = 50;
const backoffMs = 200;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets everything that waits for no timer come to rest. */
async function rest(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function pass(ms: number): Promise<void> {
  await rest();
  await vi.advanceTimersByTimeAsync(ms);
  await rest();
}

/** An outbox in memory, oldest first. */
function createOutbox() {
  const documents = new Map<string, LeafDocument>();
  const state = {
    down: false,
    commits: [] as Commit[],
    scans: [] as Scan[],
    hold: undefined as Promise<void> | undefined,
  };
  const store = {
    async commit(commit: Commit) {
      state.commits.push(commit);
      await state.hold;
      if (state.down) throw new StoreError("unavailable", "the disk is full");
      for (const change of commit.changes) {
        if (change.kind === "insert")
          documents.set(String(change.document.id), change.document as LeafDocument);
        if (change.kind === "delete") documents.delete(String(change.key[1]));
      }
      return { committed: true };
    },
    async scan(_: string, scan: Scan) {
      state.scans.push(scan);
      const all = [...documents.values()].sort((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1));
      const from = scan.cursor === undefined ? 0 : all.findIndex(({ id }) => id > scan.cursor!);
      const some = from < 0 ? [] : all.slice(from, from + scan.limit);
      const more = from >= 0 && from + scan.limit < all.length;
      return {
        documents: some.map((document) => ({ document, revision: 1 })),
        ...(more ? { cursor: some.at(-1)!.id } : {}),
      };
    },
  } as unknown as Store;
  return { documents, state, store };
}

function createHeld() {
  let records: Uint8Array[] = [];
  const released: number[] = [];
  const reserve: Reserve = {
    append: async (record) => void records.push(record),
    held: () => records,
    async release(count) {
      released.push(count);
      records = records.slice(count);
    },
    close: async () => {},
  };
  return { reserve, released };
}

async function openScene() {
  const sealer = await createLeafSealer({
    kms: { derive: async () => new Uint8Array(32).fill(7) } as never,
    service: "records",
  });
  const outbox = createOutbox();
  const { reserve, released } = createHeld();
  const intake = {
    requests: [] as string[][],
    signals: [] as AbortSignal[],
    leaves: [] as Leaf[],
    answer: (_: readonly Leaf[]): unknown => ({}),
  };
  const transport = createRouterTransport(({ service }) => {
    service(AuditIntakeService, {
      async append({ leaves }, { signal }) {
        intake.requests.push(leaves.map(({ id }) => id));
        intake.signals.push(signal);
        await intake.answer(leaves);
        intake.leaves.push(...leaves);
        return {};
      },
    });
  });
  const said: Array<readonly [string, string, Record<string, unknown>]> = [];
  const note = (level: string) => (fields: Record<string, unknown>, message: string) =>
    said.push([level, message, fields]);
  const log = { info: note("info"), warn: note("warn"), error: note("error") } as unknown as Logger;
  const drain = createDrain({
    store: outbox.store,
    reserve,
    sealer,
    intake: createClient(AuditIntakeService, transport),
    log,
    backoffMs,
    gatherMs,
  });
  let made = 0;
  function leafOf(init: { partition?: string; method?: string; codes?: string[] } = {}) {
    made += 1;
    const { partition = patient, ...access } = init;
    const id = `acc_${String(made).padStart(5, "0")}`;
    const time = { seconds: BigInt(made), nanos: 0 };
    const deps = { ids: randomIds, clock: systemClock, sealer };
    return createLeafDocument(deps, partition, true, { method: "a.B/C", ...access, id, time });
  }
  /** Puts leaves into the outbox. */
  function put(count: number, init: Parameters<typeof leafOf>[0] = {}): string[] {
    return Array.from({ length: count }, () => {
      const leaf = leafOf(init);
      outbox.documents.set(leaf.id, leaf);
      return leaf.id;
    });
  }
  /** Puts leaves into the reserve. */
  async function keep(count: number): Promise<string[]> {
    const leaves = Array.from({ length: count }, () => leafOf());
    for (const leaf of leaves) await reserve.append(encodeLeafDocument(leaf));
    return leaves.map(({ id }) => id);
  }
  const down = () => {
    throw new ConnectError("down", Code.Unavailable);
  };
  return { drain, outbox, released, reserve, intake, said, leafOf, put, keep, down };
}

const failed = (attempt: number) => [
  "warn",
  "leaves could not be moved; trying again",
  { err: expect.any(Error), attempt },
];

describe("a wake", () => {
  test("waits for others, so that leaves travel together, and then moves all there is", async () => {
    const { drain, intake, put, outbox } = await openScene();
    const ids = put(2);
    drain.wake();
    await pass(gatherMs - 1);
    expect(intake.requests).toEqual([]);
    ids.push(...put(1));
    drain.wake();
    await pass(1);
    expect(intake.requests).toEqual([ids]);
    expect(outbox.documents.size).toBe(0);
    expect(outbox.state.scans).toHaveLength(1);
    await pass(60_000);
    expect(outbox.state.scans).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("in the middle of a pass has another one follow", async () => {
    const { drain, intake, put } = await openScene();
    const first = put(1);
    let second: string[] = [];
    intake.answer = () => {
      if (second.length > 0) return;
      second = put(1);
      drain.wake();
    };
    drain.wake();
    await pass(gatherMs);
    expect(intake.requests).toEqual([first]);
    await pass(gatherMs);
    expect(intake.requests).toEqual([first, second]);
  });

  test("after the drain was closed moves nothing", async () => {
    const { drain, intake, put } = await openScene();
    put(1);
    await drain.close();
    drain.wake();
    await drain.drained();
    await pass(60_000);
    expect(intake.requests).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("who waits until all is moved", () => {
  test("does not wait for others, also where a wake does already", async () => {
    const { drain, intake, put } = await openScene();
    const first = put(1);
    await drain.drained();
    expect(intake.requests).toEqual([first]);
    const second = put(1);
    drain.wake();
    await pass(10);
    expect(intake.requests).toHaveLength(1);
    await drain.drained();
    expect(intake.requests).toEqual([first, second]);
    // The pause that was cut short has left no timer.
    expect(vi.getTimerCount()).toBe(0);
  });

  test("does not wait for others in a pass that follows, either", async () => {
    const { drain, intake, put } = await openScene();
    put(1);
    let second: string[] = [];
    intake.answer = () => {
      if (second.length > 0) return;
      second = put(1);
      drain.wake();
    };
    await drain.drained();
    expect(intake.requests).toHaveLength(2);
    expect(intake.requests[1]).toEqual(second);
  });

  test("leaves later wakes to wait for others again", async () => {
    const { drain, intake, put } = await openScene();
    await Promise.all([drain.drained(), drain.drained()]);
    put(1);
    drain.wake();
    await pass(gatherMs - 1);
    expect(intake.requests).toEqual([]);
    await pass(1);
    expect(intake.requests).toHaveLength(1);
  });

  test("waits until a pass has worked", async () => {
    const { drain, intake, put, down } = await openScene();
    put(1);
    intake.answer = down;
    let done = false;
    const waited = drain.drained().then(() => {
      done = true;
    });
    await pass(backoffMs);
    expect(intake.requests).toHaveLength(2);
    expect(done).toBe(false);
    intake.answer = () => ({});
    await pass(2 * backoffMs);
    await waited;
    expect(intake.leaves).toHaveLength(1);
  });
});

describe("while audit does not answer", () => {
  test("attempts come after one, two, four and four times the backoff, and each is told with its number", async () => {
    const { drain, intake, put, said, down } = await openScene();
    put(1);
    intake.answer = down;
    drain.wake();
    await pass(gatherMs);
    for (const [i, ms] of [backoffMs, 2 * backoffMs, 4 * backoffMs, 4 * backoffMs].entries()) {
      expect(intake.requests).toHaveLength(i + 1);
      await pass(ms - 1);
      expect(intake.requests).toHaveLength(i + 1);
      await pass(1);
    }
    expect(intake.requests).toHaveLength(5);
    expect(said).toEqual([1, 2, 3, 4, 5].map(failed));
    // One that works ends it, and the next failure is a first one again.
    intake.answer = () => ({});
    await pass(4 * backoffMs);
    expect(intake.leaves).toHaveLength(1);
    expect(said).toHaveLength(5);
    put(1);
    intake.answer = down;
    drain.wake();
    await pass(gatherMs);
    expect(said.slice(5)).toEqual([failed(1)]);
    await pass(backoffMs);
    expect(said.slice(5)).toEqual([1, 2].map(failed));
  });

  test("one that works ends the count, also where another pass follows at once", async () => {
    const { drain, intake, put, said, down } = await openScene();
    put(1);
    intake.answer = down;
    drain.wake();
    await pass(gatherMs);
    await pass(backoffMs);
    expect(said).toEqual([1, 2].map(failed));
    intake.answer = () => {
      put(1);
      drain.wake();
      intake.answer = down;
    };
    await pass(2 * backoffMs);
    expect(intake.leaves).toHaveLength(1);
    // The pass that follows waits for others again, and its failure is a first one.
    await pass(gatherMs);
    expect(said.slice(2)).toEqual([failed(1)]);
  });

  test("a call is given up after five seconds, and made again", async () => {
    const { drain, intake, put, said } = await openScene();
    put(1);
    intake.answer = () => new Promise(() => {});
    drain.wake();
    await pass(gatherMs);
    await pass(4_999);
    expect(said).toEqual([]);
    await pass(1);
    expect(said).toEqual([failed(1)]);
    expect(intake.requests).toHaveLength(1);
    intake.answer = () => ({});
    await pass(backoffMs);
    expect(intake.leaves).toHaveLength(1);
  });

  test("closing gives up the call and the waiting at once, and tells nobody of it", async () => {
    const calling = await openScene();
    calling.put(1);
    calling.intake.answer = () => new Promise(() => {});
    calling.drain.wake();
    await pass(gatherMs);
    await calling.drain.close();
    expect(calling.intake.signals[0]!.aborted).toBe(true);
    expect(calling.said).toEqual([]);
    expect(calling.outbox.documents.size).toBe(1);

    const pausing = await openScene();
    pausing.put(1);
    pausing.intake.answer = pausing.down;
    pausing.drain.wake();
    await pass(gatherMs);
    await pausing.drain.close();
    await pausing.drain.drained();
    expect(pausing.intake.requests).toHaveLength(1);
    expect(pausing.said).toHaveLength(1);
    // The call's own deadline may be left; it holds nothing.
    await pass(60_000);
    expect(pausing.intake.requests).toHaveLength(1);
  });

  test("closing waits for the pass under way", async () => {
    const { drain, intake, put, outbox } = await openScene();
    put(1);
    const hold = Promise.withResolvers<void>();
    outbox.state.hold = hold.promise;
    drain.wake();
    await pass(gatherMs);
    expect(intake.leaves).toHaveLength(1);
    let closed = false;
    const closing = drain.close().then(() => {
      closed = true;
    });
    await rest();
    expect(closed).toBe(false);
    hold.resolve();
    await closing;
    expect(outbox.documents.size).toBe(0);
  });
});

describe("what is delivered", () => {
  test("is the outbox in the order of time, page by page", async () => {
    const { drain, intake, put, outbox } = await openScene();
    const ids = put(2_300);
    await drain.drained();
    expect(intake.requests.flat()).toEqual(ids);
    expect(intake.requests.map((request) => request.length)).toEqual([1_000, 1_000, 300]);
    expect(outbox.state.scans).toEqual([
      { index: "byTime", equals: [], limit: 1_000 },
      { index: "byTime", equals: [], limit: 1_000, cursor: ids[999] },
      { index: "byTime", equals: [], limit: 1_000, cursor: ids[1_999] },
    ]);
    expect(outbox.documents.size).toBe(0);
  });

  test("goes on to no further page once it is closed", async () => {
    const { drain, intake, put, outbox } = await openScene();
    put(2_300);
    intake.answer = () => void drain.close();
    drain.wake();
    await pass(gatherMs);
    expect(outbox.state.scans).toHaveLength(1);
    expect(intake.requests).toHaveLength(1);
  });

  test("goes on to no further page where it is closed while a page leaves the outbox", async () => {
    const { drain, intake, put, outbox } = await openScene();
    put(1_001);
    const hold = Promise.withResolvers<void>();
    outbox.state.hold = hold.promise;
    drain.wake();
    await pass(gatherMs);
    const closing = drain.close();
    hold.resolve();
    await closing;
    expect(outbox.documents.size).toBe(1);
    expect(outbox.state.scans).toHaveLength(1);
    expect(intake.requests).toHaveLength(1);
  });

  test("is a megabyte a request at most, counted in bodies, and as many as fit", async () => {
    const { drain, intake, put } = await openScene();
    // 16,000 bytes and a little: 65 of them fit, 66 do not.
    put(140, { codes: Array(2_000).fill("8867-4") });
    await drain.drained();
    const bytes = (from: number, to: number) =>
      intake.leaves.slice(from, to).reduce((sum, { body }) => sum + body.length, 0);
    const sizes = intake.requests.map((request) => request.length);
    expect(sizes).toEqual([65, 65, 10]);
    expect(bytes(0, 65)).toBeLessThanOrEqual(1_048_576);
    expect(bytes(0, 66)).toBeGreaterThan(1_048_576);
  });

  test("fills a request to the byte", async () => {
    const { drain, intake, put } = await openScene();
    const [id] = put(1);
    await drain.drained();
    const small = intake.leaves[0]!.body.length;
    expect(id).toBe("acc_00001");
    // Of a method of 128 letters and more the length takes two bytes, where it took one.
    const padding = 16_384 - small - 1;
    intake.requests.length = 0;
    put(65, { method: "x".repeat(padding + "a.B/C".length) });
    await drain.drained();
    expect(intake.leaves[1]!.body).toHaveLength(16_384);
    expect(intake.requests.map((request) => request.length)).toEqual([64, 1]);
  });

  test("leaves the outbox in one commit a patient", async () => {
    const { drain, put, outbox } = await openScene();
    const mine = put(2);
    const others = put(1, { partition: "local/pat_2" });
    await drain.drained();
    const deletion = (partition: string, id: string) => {
      return { kind: "delete", collection: "leaves", key: [partition, id] };
    };
    expect(outbox.state.commits).toEqual([
      { partition: patient, changes: mine.map((id) => deletion(patient, id)) },
      { partition: "local/pat_2", changes: others.map((id) => deletion("local/pat_2", id)) },
    ]);
  });
});

describe("a leaf that nobody can deliver", () => {
  const refusal = (id: string) => [
    "error",
    `leaf ${id} cannot be delivered and stays in the outbox`,
    { err: expect.any(Error) },
  ];

  test("is found by halves, told once, and not sent again; its neighbours arrive", async () => {
    const { drain, intake, put, outbox, said } = await openScene();
    const ids = put(5);
    const bad = ids[3]!;
    intake.answer = (leaves) => {
      if (leaves.some(({ id }) => id === bad)) throw new ConnectError("a bad leaf", Code.InvalidArgument);
    };
    await drain.drained();
    const [a, b, c, d, e] = ids;
    expect(intake.requests).toEqual([ids, [a, b], [c, d, e], [c], [d, e], [d], [e]]);
    expect([...outbox.documents.keys()]).toEqual([bad]);
    expect(said).toEqual([refusal(bad)]);
    await drain.drained();
    expect(intake.requests).toHaveLength(7);
    const next = put(1);
    await drain.drained();
    expect(intake.requests.slice(7)).toEqual([next]);
    expect(said).toHaveLength(1);
  });

  test("because it does not open is told once, and holds up nobody", async () => {
    const { drain, intake, put, outbox, said, leafOf } = await openScene();
    const moved = { ...leafOf(), id: "acc_00000" };
    outbox.documents.set(moved.id, moved);
    const ids = put(1);
    await drain.drained();
    await drain.drained();
    expect(intake.requests).toEqual([ids]);
    expect(said).toEqual([refusal("acc_00000")]);
    expect([...outbox.documents.keys()]).toEqual(["acc_00000"]);
  });
});

describe("what lies in the reserve", () => {
  test("goes to the outbox in parts, which the reserve lets go of one by one, and from there to audit", async () => {
    const { drain, intake, keep, released, outbox, said, reserve } = await openScene();
    const ids = await keep(450);
    drain.wake();
    await pass(gatherMs);
    expect(released).toEqual([200, 200, 50]);
    expect(said).toEqual([["info", "the reserve's leaves are in the store again", { count: 450 }]]);
    await pass(gatherMs);
    expect(intake.leaves.map(({ id }) => id).sort()).toEqual(ids);
    expect(reserve.held()).toEqual([]);
    expect(outbox.documents.size).toBe(0);
    const scans = outbox.state.scans.length;
    await pass(60_000);
    expect(outbox.state.scans).toHaveLength(scans);
    expect(said).toHaveLength(1);
  });

  test("that fills its parts goes in just these", async () => {
    const { drain, intake, keep, released } = await openScene();
    await keep(400);
    await drain.drained();
    expect(released).toEqual([200, 200]);
    expect(intake.leaves).toHaveLength(400);
  });

  test("stays there while the store cannot write, though the outbox is delivered", async () => {
    const { drain, intake, keep, put, released, outbox, said } = await openScene();
    outbox.state.down = true;
    await keep(2);
    put(1);
    drain.wake();
    await pass(gatherMs);
    expect(intake.requests).toHaveLength(1);
    expect(released).toEqual([]);
    expect(said).toEqual([failed(1)]);
    outbox.state.down = false;
    await pass(backoffMs);
    expect(released).toEqual([2]);
    expect(intake.requests.length).toBeGreaterThan(1);
  });

  test("does not wait out the backoff once a commit has worked", async () => {
    const { drain, keep, released, outbox } = await openScene();
    outbox.state.down = true;
    await keep(1);
    drain.wake();
    await pass(gatherMs);
    expect(released).toEqual([]);
    outbox.state.down = false;
    drain.storeWorks();
    await pass(0);
    expect(released).toEqual([1]);
  });

  test("is tried again at once where a commit worked while the pass failed", async () => {
    const { drain, keep, released, outbox } = await openScene();
    const hold = Promise.withResolvers<void>();
    outbox.state.down = true;
    outbox.state.hold = hold.promise;
    await keep(1);
    drain.wake();
    await pass(gatherMs);
    drain.storeWorks();
    hold.resolve();
    await rest();
    // The second attempt has failed, too: now nothing has worked since it began.
    const attempts = outbox.state.commits.length;
    expect(attempts).toBe(2);
    outbox.state.down = false;
    await pass(2 * backoffMs - 1);
    expect(released).toEqual([]);
    await pass(1);
    expect(released).toEqual([1]);
  });

  test("is what a commit that works hurries for; an empty reserve waits out the backoff", async () => {
    const { drain, intake, put, down } = await openScene();
    put(1);
    intake.answer = () => {
      drain.storeWorks();
      return down();
    };
    drain.wake();
    await pass(gatherMs);
    drain.storeWorks();
    await pass(backoffMs - 1);
    expect(intake.requests).toHaveLength(1);
    await pass(1);
    expect(intake.requests).toHaveLength(2);
  });

  test("a commit that works while nothing waits changes nothing", async () => {
    const { drain, outbox, keep } = await openScene();
    drain.storeWorks();
    await keep(1);
    drain.storeWorks();
    await pass(60_000);
    expect(outbox.state.scans).toEqual([]);
  });
});
