import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { Logger } from "@wellapi/runtime";
import { StoreError } from "@wellapi/store";
import { describe, expect, test, vi } from "vitest";
import { openAccessLog } from "../src/index.ts";
import { openWorld, patient } from "./harness.ts";

const access = { organization: "org_canary7", method: "canary.Method/Read", codes: ["8867-4"] };

describe("a leaf", () => {
  test("reaches audit as it was written, and leaves the outbox", async () => {
    const { log, intake, outbox } = await openWorld();
    const time = timestampFromMs(1_700_000_000_123);
    const id = await log.record(patient, true, { ...access, time });
    const other = await log.record("records", false, access);
    await log.drained();
    expect(await outbox()).toEqual([]);
    expect(intake.ids().sort()).toEqual([id, other].sort());
    const leaf = intake.state.leaves.find((one) => one.id === id)!;
    expect(leaf).toMatchObject({
      partition: patient,
      organization: "org_canary7",
      timeMs: 1_700_000_000_123n,
    });
    expect(leaf.nonce).toHaveLength(32);
    expect(fromBinary(AccessSchema, leaf.body)).toEqual(create(AccessSchema, { ...access, id, time }));
    expect(intake.state.leaves.find((one) => one.id === other)!.partition).toBe("");
  });

  test("has another nonce each time, and leaves the caller's message alone", async () => {
    const { log, intake } = await openWorld();
    const message = create(AccessSchema, access);
    await log.record(patient, true, message);
    await log.record(patient, true, message);
    await log.drained();
    expect(message).toEqual(create(AccessSchema, access));
    const nonces = intake.state.leaves.map(({ nonce }) => Buffer.from(nonce).toString("hex"));
    expect(new Set(nonces).size).toBe(2);
  });

  test("goes with the caller's commit, and is delivered at notify", async () => {
    const { log, store, intake } = await openWorld();
    const leaf = log.leaf(patient, true, access);
    await log.drained();
    expect(intake.ids()).toEqual([]);
    await store.commit({ partition: patient, changes: [leaf.change] });
    log.notify();
    await log.drained();
    expect(intake.ids()).toEqual([leaf.id]);
  });

  test("is nowhere in clear, in the store or in the reserve", async () => {
    const { log, intake, store, folder } = await openWorld();
    intake.state.down = true;
    await log.record(patient, true, access);
    store.mode = "refuses";
    await log.record(patient, true, access);
    for (const name of await readdir(folder)) {
      const content = await readFile(join(folder, name));
      expect(content.includes("org_canary7"), name).toBe(false);
      expect(content.includes("canary.Method"), name).toBe(false);
    }
  });

  test("that is too large, or whose id was used, is refused", async () => {
    const { log } = await openWorld();
    const codes = Array.from({ length: 3000 }, () => "8867-4");
    expect(() => log.leaf(patient, true, { codes })).toThrow(
      expect.objectContaining({ code: "leaf_too_large" }),
    );
    const leaf = await log.record(patient, true, { id: "acc_twice" });
    expect(leaf).toBe("acc_twice");
    await expect(log.record(patient, true, { id: "acc_twice" })).rejects.toMatchObject({
      code: "duplicate_leaf",
    });
  });
});

describe("the drain", () => {
  test("delivers what an earlier run left, in batches that the intake takes", async () => {
    const { log, intake, settings } = await openWorld();
    intake.state.down = true;
    const ids = await Promise.all(Array.from({ length: 2300 }, () => log.record(patient, true, access)));
    await log.close();
    intake.state.down = false;
    const again = await openAccessLog(settings);
    await again.drained();
    expect(intake.ids().sort()).toEqual(ids.sort());
    await again.close();
  });

  test("begins with what an earlier run left, without another call", async () => {
    const { log, intake, settings } = await openWorld();
    intake.state.down = true;
    const id = await log.record(patient, true, access);
    await log.close();
    intake.state.down = false;
    const again = await openAccessLog(settings);
    await vi.waitUntil(() => intake.ids().length > 0, { timeout: 15_000 });
    expect(intake.ids()).toEqual([id]);
    await again.close();
  });

  test("tries again until audit answers", async () => {
    const { log, intake, outbox } = await openWorld();
    intake.state.down = true;
    const id = await log.record(patient, true, access);
    await vi.waitUntil(() => intake.state.calls >= 3, 15_000);
    expect(await outbox()).toEqual([id]);
    intake.state.down = false;
    await log.drained();
    expect(intake.ids()).toEqual([id]);
    expect(await outbox()).toEqual([]);
  });

  test("keeps a leaf that audit refuses, and delivers its neighbours", async () => {
    const { log, store, intake, outbox } = await openWorld();
    const leaves = Array.from({ length: 20 }, () => log.leaf(patient, true, access));
    intake.state.refuseIds.add(leaves[7]!.id);
    await store.commit({ partition: patient, changes: leaves.map(({ change }) => change) });
    await log.drained();
    expect(await outbox()).toEqual([leaves[7]!.id]);
    expect(intake.ids()).toHaveLength(19);
  });

  test("keeps a leaf that does not open", async () => {
    const { log, store, intake, outbox } = await openWorld();
    const moved = log.leaf(patient, true, access).change;
    if (moved.kind !== "insert") throw new Error("a leaf is an insert");
    const document = { ...moved.document, id: "acc_moved" };
    await store.commit({ partition: patient, changes: [{ ...moved, document }] });
    const id = await log.record(patient, true, access);
    await log.drained();
    expect(intake.ids()).toEqual([id]);
    expect(await outbox()).toEqual(["acc_moved"]);
  });

  test("leaves no timer running when there is nothing to do", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const { log } = await openWorld();
    await log.record(patient, true, access);
    await log.drained();
    // One that runs again and again is always there; others end.
    for (let turn = 0; turn < 750 && timers() > before; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(timers()).toBeLessThanOrEqual(before);
  });
});

describe("while the store cannot write", () => {
  test("leaves go to the reserve until it is full; then calls are refused; nothing is lost or doubled", async () => {
    const { log, store, intake, outbox } = await openWorld({ reserveBytes: 4096 });
    await log.drained();
    store.mode = "refuses";
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, () => log.record(patient, true, access)),
    );
    const kept = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.length).toBeLessThan(40);
    expect(await log.waiting()).toMatchObject({ outbox: { count: 0 }, reserve: { count: kept.length } });
    expect(results.at(-1)).toMatchObject({
      reason: { code: "unavailable", problem: { reason: "LOG_UNAVAILABLE", retryAfterMs: 1000 } },
    });
    expect(intake.ids()).toEqual([]);

    store.mode = "works";
    const after = await log.record(patient, true, access);
    await log.drained();
    expect(intake.ids().sort()).toEqual([...kept, after].sort());
    expect(await outbox()).toEqual([]);
    const none = { count: 0, oldestMs: undefined };
    expect(await log.waiting()).toEqual({ outbox: none, reserve: none });

    // The reserve is whole again.
    store.mode = "refuses";
    const second = await Promise.allSettled(
      Array.from({ length: 40 }, () => log.record(patient, true, access)),
    );
    expect(second.filter(({ status }) => status === "fulfilled")).toHaveLength(kept.length);
  });

  test("the reserve is emptied at the first commit that works, not after the backoff", async () => {
    const { log, store, intake } = await openWorld({ backoffMs: 60_000 });
    store.mode = "refuses";
    const kept = await log.record(patient, true, access);
    // The first attempt was record's own, the second is the drain's: it pauses now.
    await vi.waitUntil(() => store.attempts >= 2, 15_000);
    store.mode = "works";
    const after = await log.record(patient, true, access);
    await log.drained();
    expect(intake.ids().sort()).toEqual([kept, after].sort());
  });

  test("the reserve survives a restart", async () => {
    const first = await openWorld();
    first.store.mode = "refuses";
    const ids = [
      await first.log.record(patient, true, access),
      await first.log.record(patient, true, access),
    ];
    await first.close();
    const second = await openWorld({ folder: first.folder });
    await second.log.drained();
    expect(second.intake.ids().sort()).toEqual(ids.sort());
    await second.close();
    const third = await openWorld({ folder: first.folder });
    await third.log.drained();
    expect(third.intake.ids()).toEqual([]);
  });

  test("a commit that failed but happened is delivered once", async () => {
    const { log, store, intake, outbox } = await openWorld();
    intake.state.down = true;
    store.mode = "commits_and_fails";
    const id = await log.record(patient, true, access);
    expect(await outbox()).toEqual([id]);
    store.mode = "works";
    intake.state.down = false;
    await log.drained();
    expect(new Set(intake.ids())).toEqual(new Set([id]));
    expect(await outbox()).toEqual([]);
  });

  test("nothing is recorded after close", async () => {
    const { log } = await openWorld();
    await log.close();
    await expect(log.record(patient, true, access)).rejects.toMatchObject({ code: "unavailable" });
  });

  test("what waits is counted, with the time of the oldest", async () => {
    const { log, store, intake } = await openWorld();
    intake.state.down = true;
    const seconds = (n: number) => ({ ...access, time: { seconds: BigInt(n), nanos: 0 } });
    await log.record(patient, true, seconds(2_000));
    await log.record(patient, true, seconds(1_000));
    store.mode = "refuses";
    await log.record(patient, true, seconds(4_000));
    await log.record(patient, true, seconds(3_000));
    expect(await log.waiting()).toEqual({
      outbox: { count: 2, oldestMs: 1_000_000 },
      reserve: { count: 2, oldestMs: 4_000_000 },
    });
  });

  test("an error that is no failure of the store reaches the caller, and nothing goes to the reserve", async () => {
    const { log, store } = await openWorld();
    const mistake = new TypeError("x is not a function");
    store.commit = () => Promise.reject(mistake);
    await expect(log.record(patient, true, access)).rejects.toBe(mistake);
    expect(await log.waiting()).toMatchObject({ reserve: { count: 0 } });
  });

  test("nor does one that the store refuses for what it is", async () => {
    const { log, store } = await openWorld();
    const refusal = new StoreError("invalid", "there is no such collection");
    store.commit = () => Promise.reject(refusal);
    await expect(log.record(patient, true, access)).rejects.toBe(refusal);
    expect(await log.waiting()).toMatchObject({ reserve: { count: 0 } });
  });

  test("damage among the leaves keeps nobody from being logged: they go to the reserve", async () => {
    const { log, store, intake } = await openWorld();
    const { commit } = store;
    store.commit = () => Promise.reject(new StoreError("damaged", "a page is damaged"));
    const id = await log.record(patient, true, access);
    expect(await log.waiting()).toMatchObject({ outbox: { count: 0 }, reserve: { count: 1 } });
    store.commit = commit;
    await log.drained();
    expect(intake.ids()).toEqual([id]);
  });

  test("the operator is told once that leaves go to the reserve, however many do, and again the next time", async () => {
    const said: string[] = [];
    const note = (_: unknown, message: string) => said.push(message);
    const logger = { info() {}, warn: note, error: note, debug() {} } as unknown as Logger;
    const { log, store } = await openWorld({ log: logger, backoffMs: 60_000 });
    const told = () => said.filter((message) => message === "leaves go to the reserve now").length;
    for (const times of [1, 2]) {
      store.mode = "refuses";
      for (let i = 0; i < 3; i++) await log.record(patient, true, access);
      expect(told()).toBe(times);
      store.mode = "works";
      await log.record(patient, true, access);
      await log.drained();
      expect(told()).toBe(times);
    }
  });

  test("a leaf goes to audit by itself, soon after it was recorded, and a failed attempt is made again soon", async () => {
    const { log, settings, intake } = await openWorld();
    await log.close();
    const { backoffMs: _, ...defaults } = settings;
    const again = await openAccessLog(defaults);
    await again.drained();
    intake.state.down = true;
    const id = await again.record(patient, true, access);
    await vi.waitUntil(() => intake.state.calls >= 2, { timeout: 15_000 });
    const [first, second] = intake.state.times;
    expect(second! - first!).toBeGreaterThan(190);
    intake.state.down = false;
    await vi.waitUntil(() => intake.ids().length === 1, { timeout: 15_000 });
    expect(intake.ids()).toEqual([id]);
    await Promise.all([again.close(), again.close()]);
  });
});
