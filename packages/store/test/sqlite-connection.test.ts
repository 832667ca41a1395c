import { EventEmitter } from "node:events";
import type { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { openConnection } from "../src/sqlite/connection.ts";
import type { Numbered, WorkerMessage } from "../src/sqlite/protocol.ts";

// The store's side of its worker: what crosses, and what each call hears. The worker's side is the test's.

/** What the store uses of a worker: messages are cloned, as between threads, and what is transferred goes. */
class WorkerOfTest extends EventEmitter {
  readonly messages: (readonly Numbered[])[] = [];

  postMessage(message: readonly Numbered[], transfer: ArrayBuffer[]): void {
    this.messages.push(structuredClone(message, { transfer }));
  }

  say(message: WorkerMessage): void {
    this.emit("message", structuredClone(message));
  }
}

function createWorker() {
  const worker = new WorkerOfTest();
  return { worker, opening: openConnection(worker as unknown as Worker) };
}

async function openWorker() {
  const { worker, opening } = createWorker();
  worker.say({ kind: "opened" });
  return { worker, connection: await opening };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const countOf = (collection: string) => ({ kind: "count", collection }) as const;
const unavailable = (message: RegExp) =>
  expect.objectContaining({
    name: "StoreError",
    code: "unavailable",
    message: expect.stringMatching(message),
  });

describe("opening", () => {
  test("waits until the worker says that it serves", async () => {
    const { worker, opening } = createWorker();
    let opened = false;
    const waiting = opening.then(() => {
      opened = true;
    });
    await nextTurn();
    expect(opened).toBe(false);
    worker.say({ kind: "opened" });
    await waiting;
    expect(worker.messages).toEqual([]);
  });

  test("fails with what the worker refuses it for", async () => {
    const refused = createWorker();
    refused.worker.say({ kind: "refused", failure: { code: "locked", message: "another has it open" } });
    await expect(refused.opening).rejects.toMatchObject({
      name: "StoreError",
      code: "locked",
      message: "another has it open",
      full: false,
    });
    const full = createWorker();
    full.worker.say({ kind: "refused", failure: { code: "unavailable", message: "no room", full: true } });
    await expect(full.opening).rejects.toMatchObject({ code: "unavailable", full: true });
  });

  test("fails as unavailable where the worker crashes or stops before it serves", async () => {
    const crashed = createWorker();
    const cause = new Error("out of memory");
    crashed.worker.emit("error", cause);
    await expect(crashed.opening).rejects.toEqual(unavailable(/crashed/));
    await expect(crashed.opening).rejects.toMatchObject({ cause });
    const stopped = createWorker();
    stopped.worker.emit("exit", 1);
    await expect(stopped.opening).rejects.toEqual(unavailable(/has stopped/));
  });
});

describe("calls", () => {
  test("of one turn cross in one message, each under a number of its own", async () => {
    const { worker, connection } = await openWorker();
    void connection.call(countOf("a"));
    void connection.call(countOf("b"));
    expect(worker.messages).toEqual([]);
    await nextTurn();
    void connection.call(countOf("c"));
    await nextTurn();
    await nextTurn();
    expect(worker.messages).toEqual([
      [
        { id: 1, request: countOf("a") },
        { id: 2, request: countOf("b") },
      ],
      [{ id: 3, request: countOf("c") }],
    ]);
  });

  test("get the answers that belong to them, in whatever order these come", async () => {
    const { worker, connection } = await openWorker();
    const calls = ["a", "b", "c"].map((name) => connection.call(countOf(name)));
    await nextTurn();
    worker.say({
      kind: "replies",
      replies: [
        { id: 3, answer: 30 },
        { id: 1, answer: 10 },
      ],
    });
    worker.say({ kind: "replies", replies: [{ id: 2, answer: 20 }] });
    expect(await Promise.all(calls)).toEqual([10, 20, 30]);
  });

  test("fail alone, with what the worker says of them", async () => {
    const { worker, connection } = await openWorker();
    const [damaged, full, well] = ["a", "b", "c"].map((name) => connection.call(countOf(name)));
    await nextTurn();
    const replies = [
      { id: 1, failure: { code: "damaged", message: "a page is damaged" } },
      { id: 2, failure: { code: "unavailable", message: "the disk is full", full: true } },
      { id: 3, answer: 1 },
    ] as const;
    worker.say({ kind: "replies", replies });
    await expect(damaged).rejects.toMatchObject({
      name: "StoreError",
      code: "damaged",
      message: "a page is damaged",
      full: false,
    });
    await expect(full).rejects.toMatchObject({ code: "unavailable", full: true });
    expect(await well).toBe(1);
  });

  test("are not disturbed by answers that nobody waits for", async () => {
    const { worker, connection } = await openWorker();
    const call = connection.call(countOf("a"));
    await nextTurn();
    worker.say({
      kind: "replies",
      replies: [
        { id: 9, answer: 1 },
        { id: 8, failure: { code: "damaged", message: "of nobody" } },
        { id: 1, answer: 2 },
      ],
    });
    expect(await call).toBe(2);
  });

  test("hand over the bytes that they are told to, once", async () => {
    const { worker, connection } = await openWorker();
    const bytesOf = (byte: number) => new Uint8Array(4).fill(byte);
    const [one, two, three] = [bytesOf(1), bytesOf(2), bytesOf(3)];
    const commitOf = (bytes: Uint8Array) => ({ kind: "commit", text: "", bytes }) as never;
    void connection.call(commitOf(one), [one.buffer as ArrayBuffer]);
    void connection.call(commitOf(two), [two.buffer as ArrayBuffer]);
    await nextTurn();
    expect([one.byteLength, two.byteLength]).toEqual([0, 0]);
    void connection.call(commitOf(three), [three.buffer as ArrayBuffer]);
    await nextTurn();
    expect(three.byteLength).toBe(0);
    const crossed = worker.messages.flat().map(({ request }) => (request as { bytes: Uint8Array }).bytes);
    expect(crossed).toEqual([bytesOf(1), bytesOf(2), bytesOf(3)]);
    // Without a word nothing is handed over.
    const kept = bytesOf(4);
    void connection.call(commitOf(kept));
    await nextTurn();
    expect(kept).toEqual(bytesOf(4));
  });
});

describe("once the worker is gone", () => {
  test("every open call and every later one is unavailable, with the first reason, and nothing is sent", async () => {
    const { worker, connection } = await openWorker();
    const sent = connection.call(countOf("a"));
    await nextTurn();
    const unsent = connection.call(countOf("b"));
    const cause = new Error("out of memory");
    worker.emit("error", cause);
    for (const call of [sent, unsent]) {
      await expect(call).rejects.toEqual(unavailable(/crashed/));
      await expect(call).rejects.toMatchObject({ cause });
    }
    worker.emit("exit", 1);
    await connection.stopped;
    await nextTurn();
    await expect(connection.call(countOf("c"))).rejects.toEqual(unavailable(/crashed/));
    await nextTurn();
    expect(worker.messages).toEqual([[{ id: 1, request: countOf("a") }]]);
  });

  test("a stop without a crash is told as one, and whoever waits for it hears of it", async () => {
    const { worker, connection } = await openWorker();
    const call = connection.call(countOf("a"));
    let stopped = false;
    const waiting = connection.stopped.then(() => {
      stopped = true;
    });
    await nextTurn();
    expect(stopped).toBe(false);
    worker.emit("exit", 0);
    await waiting;
    await expect(call).rejects.toEqual(unavailable(/has stopped/));
    await expect(connection.call(countOf("b"))).rejects.toEqual(unavailable(/has stopped/));
  });

  test("an answer that comes late changes nothing", async () => {
    const { worker, connection } = await openWorker();
    const call = connection.call(countOf("a"));
    await nextTurn();
    worker.emit("error", new Error("out of memory"));
    worker.say({ kind: "replies", replies: [{ id: 1, answer: 1 }] });
    await expect(call).rejects.toEqual(unavailable(/crashed/));
  });
});
