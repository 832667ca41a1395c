import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSqliteStore } from "../src/index.ts";
import { openConnection, serveShared } from "../src/sqlite/connection.ts";
import { contractCollections, idsOf, insert, note } from "./notes.ts";
import { openSqliteUnderTest, type SqliteUnderTest } from "./store-under-test.ts";

const stormFile = fileURLToPath(new URL("./commit-storm.ts", import.meta.url));

/** Runs the storm and kills it without warning once it has acked this many commits. */
async function killInStorm(path: string, round: number, acks: number): Promise<string[]> {
  const child = spawn(process.execPath, [stormFile, path, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let output = "";
  child.stdout.setEncoding("utf8");
  for await (const text of child.stdout) {
    output += text;
    if (output.split("\n").length > acks) child.kill("SIGKILL");
  }
  expect(await exited).toEqual([null, "SIGKILL"]);
  return output.split("\n").slice(0, -1);
}

describe("sqlite: processes that die, and processes that meet", () => {
  let subject: SqliteUnderTest;
  beforeEach(async () => {
    subject = await openSqliteUnderTest(contractCollections);
  });
  afterEach(() => subject.dispose());

  test("kill -9 in a storm of commits loses no acked commit and leaves no half of any", async () => {
    const acked: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      await subject.store.close();
      acked.push(...(await killInStorm(subject.path, round, 20 + Math.floor(Math.random() * 300))));
      const store = await subject.reopen();
      const ids = (await idsOf(store, { equals: ["eu/p1"], limit: 10_000 })).map(String);
      const whole = ids.filter((id) => id.endsWith("-left")).map((id) => id.replace("-left", ""));
      expect(ids).toEqual(whole.flatMap((id) => [`${id}-left`, `${id}-right`]).sort());
      const events = (await store.readOutbox(10_000)).map((entry) => entry.event.id);
      expect(events.sort()).toEqual(whole.sort());
      expect(whole).toEqual(expect.arrayContaining(acked));
    }
    expect(acked.length).toBeGreaterThan(100);
  });

  test("a second opener is told in one line that the store is locked, and harms nothing", async () => {
    const script = `
      const { openSqliteStore } = await import(${JSON.stringify(new URL("../src/index.ts", import.meta.url))});
      const opening = openSqliteStore({ path: process.argv[1], collections: [] });
      await opening.catch((error) => process.stdout.write(error.code + ": " + error.message));
    `;
    const argv = ["--input-type=module", "-e", script, subject.path];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.setEncoding("utf8");
    let output = "";
    for await (const text of child.stdout) output += text;
    expect(output).toBe("locked: another process has the store open");
    const again = openSqliteStore({ path: subject.path, collections: [] });
    await expect(again).rejects.toMatchObject({ name: "StoreError", code: "locked" });
    await insert(subject.store, note("a"));
  });

  test("a worker that crashes makes every open and later call unavailable", async () => {
    const script = `
      const { parentPort } = require("node:worker_threads");
      parentPort.on("message", () => { throw new Error("crash"); });
      parentPort.postMessage({ kind: "opened" });
    `;
    const connection = await openConnection(new Worker(script, { eval: true }));
    const calls = [1, 2, 3].map((limit) => connection.call({ kind: "readOutbox", limit }));
    const outcomes = await Promise.allSettled(calls);
    const unavailable = { name: "StoreError", code: "unavailable" };
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: unavailable });
    await connection.stopped;
    await expect(connection.call({ kind: "scrub" })).rejects.toMatchObject(unavailable);
  });

  test("a thread of several stores that ends takes them along, and the next store gets another", async () => {
    const several = ["one", "two"].map((name) => ({ path: `${subject.path}.${name}`, collections: [] }));
    const threads = several.map((options) => serveShared(options));
    expect(threads[0]!.thread).toBe(threads[1]!.thread);
    const connections = await Promise.all(threads.map(({ port, thread }) => openConnection(port, thread)));
    threads[0]!.thread.emit("error", new Error("out of memory"));
    for (const connection of connections) {
      await expect(connection.call({ kind: "scrub" })).rejects.toMatchObject({ code: "unavailable" });
    }
    await threads[0]!.thread.terminate();
    await Promise.all(connections.map(({ stopped }) => stopped));
    const again = await openSqliteStore({ ...several[0]!, thread: "shared" });
    await again.scrub();
    await again.close();
  });
});
