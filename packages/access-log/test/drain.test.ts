import { Code } from "@connectrpc/connect";
import type { Logger } from "@wellapi/runtime";
import { describe, expect, test, vi } from "vitest";
import { openAccessLog } from "../src/index.ts";
import { openWorld, patient } from "./harness.ts";

const access = { organization: "org_a", method: "a.B/C", codes: ["8867-4"] };

/** What was logged: level and message. */
function capture() {
  const said: string[] = [];
  const note = (level: string) => (_: unknown, message: string) => said.push(`${level} ${message}`);
  const log = { info: note("info"), warn: note("warn"), error: note("error"), debug: () => {} };
  return { said, log: log as unknown as Logger };
}

describe("what travels to audit", () => {
  test("goes in groups where leaves come one soon after the other", async () => {
    const { log, intake } = await openWorld({ gatherMs: 1_500 });
    await log.drained();
    const requestsOfFive = async () => {
      const before = { leaves: intake.state.leaves.length, requests: intake.state.requests.length };
      for (let i = 0; i < 5; i++) await log.record(patient, true, access);
      await vi.waitUntil(() => intake.state.leaves.length === before.leaves + 5, { timeout: 15_000 });
      return intake.state.requests.slice(before.requests);
    };
    // A machine that stalls in between parts them.
    await expect.poll(requestsOfFive).toEqual([{ count: 5, bytes: expect.any(Number) }]);
  });

  test("goes at once where somebody waits for it", async () => {
    const { log, intake } = await openWorld({ gatherMs: 60_000 });
    await log.record(patient, true, access);
    await log.drained();
    expect(intake.ids()).toHaveLength(1);
    await log.record(patient, true, access);
    await log.drained();
    expect(intake.ids()).toHaveLength(2);
  });

  test("is a megabyte a request at most, and a thousand leaves", async () => {
    const { log, store, intake } = await openWorld();
    const large = { ...access, codes: Array.from({ length: 1_500 }, () => "8867-4") };
    const small = Array.from({ length: 1_001 }, () => log.leaf(patient, true, access));
    const all = [...Array.from({ length: 120 }, () => log.leaf(patient, true, large)), ...small];
    await store.commit({ partition: patient, changes: all.map(({ change }) => change) });
    await log.drained();
    expect(intake.ids().sort()).toEqual(all.map(({ id }) => id).sort());
    expect(Math.max(...intake.state.requests.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1024 * 1024);
    // Full ones: not one leaf a request.
    expect(intake.state.requests.length).toBeLessThanOrEqual(5);
  });

  test("leaves the outbox patient by patient", async () => {
    const { log, outbox } = await openWorld();
    await log.record(patient, true, access);
    await log.record("local/pat_other", true, access);
    await log.record("records", false, access);
    await log.drained();
    expect(await outbox()).toEqual([]);
  });
});

test("a log that takes no leaves because it is damaged is told, and keeps every leaf until it takes them again", async () => {
  const { log, intake, outbox } = await openWorld();
  const first = await log.record(patient, true, access);
  await log.drained();
  expect(log.logDamaged()).toBe(false);
  intake.state.down = true;
  await log.record(patient, true, access);
  await vi.waitUntil(() => intake.state.calls > 1, 15_000);
  // Away is not damaged: entries are kept, and reads go on.
  expect(log.logDamaged()).toBe(false);
  Object.assign(intake.state, { down: false, damaged: true });
  await vi.waitUntil(() => log.logDamaged(), 15_000);
  const change = log.leaf(patient, true, access);
  await vi.waitUntil(async () => (await outbox()).length === 1, 15_000);
  intake.state.damaged = false;
  await log.drained();
  expect(log.logDamaged()).toBe(false);
  expect(intake.ids()).toContain(first);
  expect(intake.ids()).toHaveLength(2);
  expect(change.id).toMatch(/^acc_/);
});

describe("a leaf that audit refuses", () => {
  test("is told once with its id, stays, and is not sent again", async () => {
    const { said, log: logger } = capture();
    const { log, intake, outbox } = await openWorld({ log: logger });
    intake.state.refuseIds.add("acc_bad");
    await log.record(patient, true, { ...access, id: "acc_bad" });
    await log.drained();
    await log.record(patient, true, access);
    await log.drained();
    expect(said).toEqual(["error leaf acc_bad cannot be delivered and stays in the outbox"]);
    expect(intake.state.requests.map(({ count }) => count)).toEqual([1, 1]);
    expect(await outbox()).toEqual(["acc_bad"]);
  });
});

describe("while audit or the store fails", () => {
  test("each attempt is told, the leaves come when it answers again, and then nothing is told", async () => {
    const { said, log: logger } = capture();
    const { log, intake } = await openWorld({ log: logger, gatherMs: 1 });
    intake.state.down = true;
    const id = await log.record(patient, true, access);
    await vi.waitUntil(() => intake.state.calls >= 3, 15_000);
    intake.state.down = false;
    await vi.waitUntil(() => intake.ids().length === 1, 15_000);
    expect(intake.ids()).toEqual([id]);
    const calls = intake.state.calls;
    expect(said).toEqual(Array(calls - 1).fill("warn leaves could not be moved; trying again"));
    await log.drained();
    expect(intake.state.calls).toBe(calls);
  });

  test("attempts come further and further apart, four times the first at most", async () => {
    const { log, intake } = await openWorld({ backoffMs: 100, gatherMs: 1 });
    intake.state.down = true;
    await log.record(patient, true, access);
    await vi.waitUntil(() => intake.state.calls >= 5, { timeout: 15_000 });
    const at = intake.state.times;
    const [first, second, third, fourth] = at.slice(1).map((time, i) => time - at[i]!);
    expect(first).toBeGreaterThan(90);
    expect(second).toBeGreaterThan(190);
    expect(third).toBeGreaterThan(390);
    expect(fourth).toBeGreaterThan(390);
  });

  test("leaves of the reserve move in order and in parts, and it is told that they did", async () => {
    const { said, log: logger } = capture();
    const { log, store, intake } = await openWorld({ log: logger, reserveBytes: 512 * 1024 });
    store.mode = "refuses";
    const ids = await Promise.all(Array.from({ length: 450 }, () => log.record(patient, true, access)));
    expect(said.filter((one) => one === "warn leaves go to the reserve now").length).toBeGreaterThan(0);
    store.mode = "works";
    await log.drained();
    expect(intake.ids().sort()).toEqual(ids.sort());
    expect(said).toContain("info the reserve's leaves are in the store again");
    const none = { count: 0, oldestMs: undefined };
    expect(await log.waiting()).toEqual({ outbox: none, reserve: none });
  });

  test("closing does not wait for an audit service that never answers, and leaves what it has not taken", async () => {
    const { log, intake, settings } = await openWorld();
    intake.state.silent = true;
    const id = await log.record(patient, true, access);
    await vi.waitUntil(() => intake.state.calls === 1, 15_000);
    await log.close();
    // By the close, not by the call's own deadline.
    expect(intake.state.ended).toEqual([Code.Canceled]);
    intake.state.silent = false;
    const again = await openAccessLog(settings);
    await again.drained();
    expect(intake.ids()).toEqual([id]);
    await again.close();
  });

  test("a call that nobody answers is given up after five seconds, and made again", async () => {
    const { log, intake } = await openWorld();
    intake.state.silent = true;
    const id = await log.record(patient, true, access);
    await vi.waitUntil(() => intake.state.calls === 1, 15_000);
    intake.state.silent = false;
    await vi.waitUntil(() => intake.ids().length === 1, { timeout: 15_000 });
    expect(intake.ids()).toEqual([id]);
  });

  test("nothing is delivered after it was closed, whoever wakes it", async () => {
    const { log, intake, store } = await openWorld();
    const leaf = log.leaf(patient, true, access);
    await log.drained();
    await log.close();
    await store.commit({ partition: patient, changes: [leaf.change] });
    log.notify();
    await log.drained();
    expect(intake.ids()).toEqual([]);
    await log.close();
  });
});
