import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createFairShare } from "../src/index.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => vi.useRealTimers());

/** Work that ends when the test says so. */
function pieces(share: ReturnType<typeof createFairShare>) {
  const started: string[] = [];
  const endings = new Map<string, () => void>();
  const run = (tenant: string, name: string): Promise<string> =>
    share.run(tenant, async () => {
      started.push(name);
      await new Promise<void>((resolve) => endings.set(name, resolve));
      return name;
    });
  const end = async (name: string): Promise<void> => {
    endings.get(name)!();
    for (let turns = 0; turns < 3; turns++) await setImmediate();
  };
  return { started, run, end };
}

test("a tenant alone runs as many pieces as it may, the rest in order", async () => {
  const { started, run, end } = pieces(createFairShare({ alone: 2, beside: 1 }));
  const results = ["a", "b", "c", "d"].map((name) => run("one", name));
  expect(started).toEqual(["a", "b"]);
  await end("b");
  expect(started).toEqual(["a", "b", "c"]);
  await end("a");
  expect(started).toEqual(["a", "b", "c", "d"]);
  await Promise.all([end("c"), end("d")]);
  expect(await Promise.all(results)).toEqual(["a", "b", "c", "d"]);
});

test("another tenant starts at once, whatever waits", async () => {
  const { started, run } = pieces(createFairShare({ alone: 2, beside: 1 }));
  for (const name of ["a", "b", "c", "d", "e"]) void run("loud", name);
  void run("quiet", "q");
  expect(started).toEqual(["a", "b", "q"]);
});

test("beside another a tenant runs fewer, until the other has been away for a second", async () => {
  const { started, run, end } = pieces(createFairShare({ alone: 2, beside: 1 }));
  void run("quiet", "q");
  await end("q");
  for (const name of ["a", "b", "c"]) void run("loud", name);
  expect(started).toEqual(["q", "a"]);
  await end("a");
  await vi.waitFor(() => expect(started).toEqual(["q", "a", "b"]), 15_000);
  vi.advanceTimersByTime(1_001);
  void run("loud", "d");
  await setImmediate();
  expect(started).toEqual(["q", "a", "b", "c"]);
});

test("a tenant whose work needs no place counts as present", () => {
  const share = createFairShare({ alone: 2, beside: 1 });
  const { started, run } = pieces(share);
  share.saw("quiet");
  for (const name of ["a", "b"]) void run("loud", name);
  expect(started).toEqual(["a"]);
});

test("beside another, a tenant with more work waiting rests three times as long as it worked, one without does not", async () => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  const share = createFairShare({ alone: 2, beside: 1 });
  const { started, run, end } = pieces(share);
  const presence = (): void => share.saw("quiet");
  presence();
  for (const name of ["a", "b"]) void run("loud", name);
  vi.advanceTimersByTime(20);
  presence();
  await end("a");
  expect(started).toEqual(["a"]);
  vi.advanceTimersByTime(59);
  await setImmediate();
  expect(started).toEqual(["a"]);
  vi.advanceTimersByTime(1);
  await setImmediate();
  expect(started).toEqual(["a", "b"]);
  // Nothing waits: the next piece, whenever it comes, starts at once.
  vi.advanceTimersByTime(20);
  presence();
  await end("b");
  void run("loud", "c");
  await setImmediate();
  expect(started).toEqual(["a", "b", "c"]);
});

test("several tenants with more work waiting share the rest, so that the thread is used", async () => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  const { started, run, end } = pieces(createFairShare({ alone: 2, beside: 1 }));
  void run("quiet", "q");
  for (const tenant of ["one", "two"]) for (const i of [1, 2]) void run(tenant, `${tenant} ${i}`);
  vi.advanceTimersByTime(20);
  await end("one 1");
  vi.advanceTimersByTime(29);
  await setImmediate();
  expect(started).toEqual(["q", "one 1", "two 1"]);
  vi.advanceTimersByTime(1);
  await setImmediate();
  expect(started).toEqual(["q", "one 1", "two 1", "one 2"]);
});

test("a failure is passed on, and frees its place", async () => {
  const share = createFairShare({ alone: 1, beside: 1 });
  const failed = share.run("one", () => Promise.reject(new Error("no")));
  const next = share.run("one", async () => "yes");
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("yes");
});
