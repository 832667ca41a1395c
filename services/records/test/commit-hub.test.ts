import { expect, it } from "vitest";
import { openCommitHub, type Replicas } from "../src/blocks/commit-hub.ts";
import { openSignalBus } from "./signal-bus.ts";

const never = new AbortController().signal;
const onError = (error: unknown) => {
  throw error;
};

it("wakes those who wait for the patient, and nobody else", async () => {
  const hub = openCommitHub();
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
  const hub = openCommitHub({
    lookEveryMs: 1,
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
  const hub = openCommitHub({
    lookEveryMs: 1,
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

/** Two replicas on one bus whose next look is an hour away. */
function openReplicas() {
  const bus = openSignalBus();
  const versions = new Map<string, number>();
  const looks: string[] = [];
  const replica = (more: Partial<Replicas> = {}) =>
    openCommitHub({
      signals: bus.connect(),
      lookEveryMs: 3_600_000,
      onError,
      async versionOf(partition) {
        looks.push(partition);
        return versions.get(partition);
      },
      ...more,
    });
  return { bus, versions, looks, replica };
}

it("wakes those who wait at another replica by a signal, and nobody else", async () => {
  const { looks, replica } = openReplicas();
  const [a, b] = [replica(), replica()];
  const [mine, another] = [b.subscribe("local/pat_a"), b.subscribe("local/pat_b")];
  a.notify("local/pat_a");
  expect(await mine.wait(60_000, never)).toBe(true);
  expect(await another.wait(0, never)).toBe(false);
  expect(looks).toEqual([]);
  await Promise.all([a.close(), b.close()]);
});

it("tells of many commits in few signals, and hears its own in vain", async () => {
  const { bus, replica } = openReplicas();
  const [a, b] = [replica(), replica()];
  const patients = Array.from({ length: 1_200 }, (_, i) => `local/pat_${i}`);
  const here = a.subscribe("local/pat_0");
  const there = patients.map((patient) => b.subscribe(patient));
  for (const patient of [...patients, ...patients]) a.notify(patient);
  expect(await here.wait(60_000, never)).toBe(true);
  await Promise.all(there.map((each) => each.wait(60_000, never)));
  expect(bus.sent()).toBeLessThanOrEqual(5);
  // What came back to the replica that committed woke nobody once more.
  expect(await here.wait(0, never)).toBe(false);
  await Promise.all([a.close(), b.close()]);
});

it("a recall wakes those who wait here, and is not told to others", async () => {
  const { bus, replica } = openReplicas();
  const [a, b] = [replica(), replica()];
  const [here, there] = [a.subscribe("local/pat_a"), b.subscribe("local/pat_a")];
  a.wake("local/pat_a");
  a.wakeAll();
  expect(await here.wait(60_000, never)).toBe(true);
  await a.close();
  expect(bus.sent()).toBe(0);
  expect(await there.wait(0, never)).toBe(false);
  await b.close();
});

it("finds a commit whose signal was lost by its look", async () => {
  const { bus, versions, replica } = openReplicas();
  const [a, b] = [replica(), replica({ lookEveryMs: 5 })];
  versions.set("local/pat_a", 1);
  const waiting = b.subscribe("local/pat_a");
  await waiting.wait(60_000, never); // the first look
  bus.lose = true;
  versions.set("local/pat_a", 2);
  a.notify("local/pat_a");
  expect(await waiting.wait(60_000, never)).toBe(true);
  await Promise.all([a.close(), b.close()]);
  expect(bus.lost()).toBe(1);
});

it("looks at once where signals may have been lost", async () => {
  const { bus, versions, replica } = openReplicas();
  const b = replica();
  versions.set("local/pat_a", 1);
  const waiting = b.subscribe("local/pat_a");
  bus.missed();
  // While that look is under way.
  bus.missed();
  expect(await waiting.wait(60_000, never)).toBe(true);
  versions.set("local/pat_a", 2);
  bus.missed();
  expect(await waiting.wait(60_000, never)).toBe(true);
  await b.close();
  const other = b.subscribe("local/pat_a");
  bus.missed();
  expect(await other.wait(0, never)).toBe(false);
});

it("tells of what was committed just before it closed", async () => {
  const { replica } = openReplicas();
  const [a, b] = [replica(), replica()];
  const waiting = b.subscribe("local/pat_a");
  a.notify("local/pat_a");
  await a.close();
  expect(await waiting.wait(60_000, never)).toBe(true);
  await b.close();
});
