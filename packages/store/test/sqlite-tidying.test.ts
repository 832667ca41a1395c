import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openDatabase } from "../src/sqlite/database.ts";
import { createTidying } from "../src/sqlite/tidying.ts";

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
  await expect.poll(() => pages("freelist_count"), { timeout: 10_000, interval: 20 }).toBe(0);
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
  await expect.poll(() => pages("freelist_count"), { timeout: 10_000, interval: 20 }).toBe(0);
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
