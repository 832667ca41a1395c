import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../src/sqlite/database.ts";
import { createTidying } from "../src/sqlite/tidying.ts";

test("sqlite: pages that deletes left free are given back once the store is idle, few are not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-tidying-"));
  const path = join(folder, "store.db");
  const database = openDatabase(path, undefined);
  const tidying = createTidying(database);
  onTestFinished(async () => {
    tidying.stop();
    await rm(folder, { recursive: true });
  });
  const pages = (pragma: "freelist_count" | "page_count") =>
    Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, content BLOB)");
  const insert = database.prepare("INSERT INTO t VALUES (?, zeroblob(4000))");
  database.exec("BEGIN");
  for (let id = 0; id < 1_000; id++) insert.run(id);
  database.exec("COMMIT");
  const full = pages("page_count");

  database.exec("DELETE FROM t WHERE id < 30");
  tidying.wrote();
  await new Promise((resolve) => setTimeout(resolve, 700));
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
