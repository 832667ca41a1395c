import { randomBytes } from "node:crypto";
import { openSqliteStore } from "@wellapi/store";
import { describe, expect, test } from "vitest";
import { createJournal, type Entry, journalRepositoryCollections, openFileJournal } from "../src/index.ts";
import { createInstallation, day, fact } from "./installation.ts";

const start = { position: 0, mac: new Uint8Array() };

async function all(entries: AsyncIterable<Entry>): Promise<string[]> {
  const found: string[] = [];
  for await (const { subject } of entries) found.push(subject);
  return found;
}

describe("a journal", () => {
  test("has a fact once, however often and by however many it is told", async () => {
    const installation = await createInstallation();
    const { files, journal } = await installation.open();
    const other = await createJournal({ repository: files, kms: installation.kms });
    const names = Array.from({ length: 40 }, (_, i) => `con_${i}`);
    await Promise.all(
      names.flatMap((name) => [
        journal.append(fact(name)),
        other.append(fact(name)),
        journal.append(fact(name)),
      ]),
    );
    expect((await all(journal.entries(start))).sort()).toEqual(names.sort());
    expect((await journal.extent()).head.position).toBe(40);
  });

  test.each([
    ["a subject", { subject: "con_other" }],
    ["a partition", { where: "local/pat_2" }],
    ["a time", { time: 2 }],
    ["a mac", { mac: new Uint8Array(randomBytes(32)) }],
  ])("whose file was changed (%s) is refused", async (_, change) => {
    const installation = await createInstallation();
    const { journal } = await installation.open();
    for (const name of ["con_1", "con_2", "con_3"]) await journal.append(fact(name));
    await installation.close();
    const store = await openSqliteStore({
      thread: "callers",
      path: `${installation.journalFolder}/journal.db`,
      collections: journalRepositoryCollections,
    });
    const stored = (await store.get("journal_entries", ["journal", 2]))!;
    await store.commit({
      partition: "journal",
      changes: [
        {
          kind: "replace",
          collection: "journal_entries",
          document: { ...stored.document, ...change },
          ifRevision: stored.revision,
        },
      ],
    });
    await store.close();
    const files = await openFileJournal({
      thread: "callers",
      folder: installation.journalFolder,
      clock: installation.clock,
    });
    const again = await createJournal({ repository: files, kms: installation.kms });
    await expect(all(again.entries(start))).rejects.toMatchObject({ code: "tampered" });
    await files.close();
  });

  test("drops what is older than any backup, and goes on", async () => {
    const installation = await createInstallation();
    const first = await installation.open();
    await first.journal.append(fact("con_old", 1));
    await first.journal.append(fact("con_new", 30 * day));
    await first.settled(2);
    installation.clock.time = 43 * day;
    const { journal } = await installation.open();
    const { base, head } = await journal.extent();
    expect([base.position, head.position]).toEqual([1, 2]);
    expect(await all(journal.entries(base))).toEqual(["con_new"]);
    await journal.append(fact("con_newer", 43 * day));
    expect(await all(journal.entries(base))).toEqual(["con_new", "con_newer"]);
  });
});
