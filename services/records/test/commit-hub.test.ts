import { expect, it } from "vitest";
import { createCommitHub } from "../src/blocks/commit-hub.ts";

const never = new AbortController().signal;
const onError = (error: unknown) => {
  throw error;
};

it("wakes those who wait for the patient, and nobody else", async () => {
  const hub = createCommitHub();
  const [mine, another] = [hub.subscribe("local/pat_a"), hub.subscribe("local/pat_b")];
  let woken = false;
  const stop = new AbortController();
  const waiting = another.wait(60_000, stop.signal).then(() => {
    woken = true;
  });
  hub.notify("local/pat_a");
  await mine.wait(60_000, never);
  expect(woken).toBe(false);
  stop.abort();
  await waiting;
  await hub.close();
});

it("finds what another replica committed by one look a patient, however many wait", async () => {
  const versions = new Map([
    ["local/pat_a", 1],
    ["local/pat_b", 1],
  ]);
  let looks: string[] = [];
  const hub = createCommitHub({
    everyMs: 1,
    onError,
    async versionOf(partition) {
      looks.push(partition);
      return versions.get(partition);
    },
  });
  const many = Array.from({ length: 20 }, () => hub.subscribe("local/pat_a"));
  const other = hub.subscribe("local/pat_b");
  await Promise.all([...many, other].map((each) => each.wait(60_000, never))); // the first look
  looks = [];
  const waiting = many.map((each) => each.wait(60_000, never));
  versions.set("local/pat_a", 2);
  await Promise.all(waiting);
  expect(looks.filter((each) => each === "local/pat_a").length).toBeLessThan(5);
  await hub.close();
  const before = looks.length;
  for (const each of [...many, other]) each.close();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(looks.length).toBe(before);
});

it("goes on looking after a look that failed", async () => {
  const failures: unknown[] = [];
  let failing = true;
  const hub = createCommitHub({
    everyMs: 1,
    onError: (error) => failures.push(error),
    async versionOf() {
      if (failing) throw new Error("no primary");
      return 1;
    },
  });
  const subscription = hub.subscribe("local/pat_a");
  while (failures.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  failing = false;
  await subscription.wait(60_000, never);
  await hub.close();
});
