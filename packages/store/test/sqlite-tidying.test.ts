import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { openDatabase } from "../src/sqlite/database.ts";
import { scrubDatabase } from "../src/sqlite/scrub.ts";
import { createTidying, type Tidying } from "../src/sqlite/tidying.ts";

/** A database of 1,000 rows of a page each. */
async function filled() {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-tidying-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "store.db");
  const database = openDatabase(path, undefined);
  const pages = (pragma: "freelist_count" | "page_count") =>
    Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, content BLOB)");
  const insert = database.prepare("INSERT INTO t VALUES (?, zeroblob(4000))");
  database.exec("BEGIN");
  for (let id = 0; id < 1_000; id++) insert.run(id);
  database.exec("COMMIT");
  return { path, database, pages };
}

test("sqlite: pages that deletes left free are given back once the store is idle, few are not", async () => {
  const { path, database, pages } = await filled();
  const tidying = createTidying(database);
  onTestFinished(() => tidying.stop());
  const full = pages("page_count");

  database.exec("DELETE FROM t WHERE id < 30");
  tidying.wrote();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(pages("freelist_count")).toBeGreaterThan(20);

  database.exec("DELETE FROM t WHERE id % 10 > 0");
  tidying.wrote();
  await expect.poll(() => pages("freelist_count"), { timeout: 15_000, interval: 20 }).toBe(0);
  expect(pages("page_count")).toBeLessThan(full / 5);
  expect(database.prepare("SELECT count(*) AS left FROM t").get()?.left).toBe(97);
  tidying.stop();
  database.close();
  expect((await stat(path)).size).toBeLessThan((full / 5) * 4_096);
});

test("sqlite: what a process left free, and what a look every 100 ms leaves no half second for, is given back", async () => {
  const { database, pages } = await filled();
  database.exec("DELETE FROM t WHERE id % 10 > 0");
  const free = pages("freelist_count");
  expect(free).toBeGreaterThan(500);
  const tidying = createTidying(database);
  onTestFinished(() => tidying.stop());
  const looks = setInterval(() => tidying.touch(), 100);
  onTestFinished(() => clearInterval(looks));
  await expect.poll(() => pages("freelist_count"), { timeout: 15_000, interval: 20 }).toBe(0);
});

test("sqlite: once stopped, nothing is looked at any more, whatever is asked or written", async () => {
  const { database } = await filled();
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const tidying = createTidying(database);
  expect(vi.getTimerCount()).toBe(1);
  tidying.stop();
  database.close();
  tidying.touch();
  tidying.wrote();
  expect(vi.getTimerCount()).toBe(0);
});

describe("sqlite: tidying, by the clock", () => {
  let free = 0;
  let gives = 64;
  let steps = 0;
  let failure: Error | undefined;
  /** What tidying asks a database, answered by the test. */
  const database = {
    prepare: () => ({ get: () => ({ freelist_count: free }) }),
    exec() {
      if (failure) throw failure;
      steps += 1;
      free = Math.max(0, free - gives);
    },
  } as unknown as DatabaseSync;
  let tidying: Tidying;
  beforeEach(() => {
    [free, gives, steps, failure] = [0, 64, 0, undefined];
    vi.useFakeTimers();
    tidying = createTidying(database);
  });
  afterEach(() => {
    tidying.stop();
    vi.useRealTimers();
  });

  test("64 free pages are worth it, 63 are not", () => {
    free = 63;
    vi.advanceTimersByTime(1_000);
    expect(steps).toBe(0);
    free = 64;
    tidying.wrote();
    vi.advanceTimersByTime(49);
    expect(steps).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect([steps, free]).toEqual([1, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("once begun all are given back, and then it is worth it only from 64 on again", () => {
    free = 130;
    vi.advanceTimersByTime(1_000);
    expect([steps, free]).toEqual([3, 0]);
    free = 10;
    tidying.wrote();
    vi.advanceTimersByTime(1_000);
    expect([steps, free]).toEqual([3, 10]);
  });

  test("what is asked meanwhile puts it off, and starts nothing where nothing is to be done", () => {
    free = 64;
    vi.advanceTimersByTime(40);
    tidying.touch();
    vi.advanceTimersByTime(40);
    expect(steps).toBe(0);
    vi.advanceTimersByTime(10);
    expect(steps).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
    tidying.touch();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a file that gives nothing back is left alone, until it is worth it once more", () => {
    [free, gives] = [64, 0];
    vi.advanceTimersByTime(10_000);
    expect(steps).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    free = 63;
    tidying.wrote();
    vi.advanceTimersByTime(1_000);
    expect(steps).toBe(1);
  });

  test("a disk that fails ends it without a word, until the next write", () => {
    free = 100;
    failure = new Error("database or disk is full");
    vi.advanceTimersByTime(10_000);
    expect(vi.getTimerCount()).toBe(0);
    failure = undefined;
    free = 10; // not begun any more
    tidying.wrote();
    vi.advanceTimersByTime(1_000);
    expect(steps).toBe(0);
    free = 64;
    tidying.wrote();
    vi.advanceTimersByTime(1_000);
    expect([steps, free]).toEqual([1, 0]);
  });
});

describe("sqlite: a scrub", () => {
  test("leaves no byte of what was deleted in any file, and temporary things in memory again", async () => {
    const { path, database } = await filled();
    const canary = "a heart rate of 61";
    database.prepare("INSERT INTO t VALUES (?, ?)").run(5_000, Buffer.from(canary.repeat(50)));
    database.exec("DELETE FROM t WHERE id = 5000");
    scrubDatabase(database);
    for (const file of [path, `${path}-wal`]) {
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      expect(bytes.includes(canary), file).toBe(false);
    }
    expect((await stat(`${path}-wal`)).size).toBe(0);
    expect(database.prepare("PRAGMA temp_store").get()).toEqual({ temp_store: 2 });
    expect(database.prepare("PRAGMA freelist_count").get()).toEqual({ freelist_count: 0 });
    database.close();
  });

  test("gives its pages back", async () => {
    const { database, pages } = await filled();
    const before = pages("page_count");
    database.exec("DELETE FROM t WHERE id > 100");
    scrubDatabase(database);
    expect(pages("page_count")).toBeLessThan(before / 5);
    database.close();
  });

  test("fails where a reader keeps the write-ahead log from being emptied", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wellapi-scrub-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "store.db");
    const database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (id); INSERT INTO t VALUES (1)");
    const reader = new DatabaseSync(path);
    reader.exec("BEGIN");
    reader.prepare("SELECT * FROM t").all();
    expect(() => scrubDatabase(database)).toThrow("could not be emptied");
    expect(database.prepare("PRAGMA temp_store").get()).toEqual({ temp_store: 2 });
    reader.exec("COMMIT");
    scrubDatabase(database);
    reader.close();
    database.close();
  });
});
