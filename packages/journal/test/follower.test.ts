import { rename } from "node:fs/promises";
import { openLocalKms } from "@wellapi/vault";
import { describe, expect, test } from "vitest";
import { createJournal, JournalError, openFileJournal } from "../src/index.ts";
import { createInstallation, day, fact } from "./installation.ts";

/** An installation with one fact, of which a backup is taken, and then two more. */
async function restored() {
  const installation = await createInstallation();
  const first = await installation.open();
  await first.make(fact("con_1"));
  await first.settled(1);
  await installation.close();
  await installation.copy("data.db", "backup.db");
  const second = await installation.open();
  await second.make(fact("con_2"));
  await second.make(fact("con_3"));
  await second.settled(3);
  await installation.close();
  await installation.copy("backup.db", "data.db");
  return installation;
}

describe("data from a backup", () => {
  test("gets what the journal has and it lacks, in order, before the start resolves", async () => {
    const installation = await restored();
    const { replayed } = await installation.open();
    expect(replayed).toEqual(["con_2", "con_3"]);
    expect((await installation.open()).replayed).toEqual([]);
  });

  test("is replayed again from the start where a replay stopped half-way", async () => {
    const installation = await restored();
    const broken = installation.open({
      replay: ({ subject }) => {
        if (subject === "con_3") throw new Error("killed");
      },
    });
    await expect(broken).rejects.toThrow("killed");
    const { replayed, store } = await installation.open();
    expect(replayed).toEqual(["con_3"]);
    expect(await store.get("facts", ["local/pat_1", "con_2"])).toBeDefined();
  });

  test("is too old where the journal has dropped what it lacks", async () => {
    const installation = await restored();
    installation.clock.time = 50 * day;
    await expect(installation.open()).rejects.toMatchObject({ code: "too_old" });
  });
});

describe("a journal that is not the data's", () => {
  test.each(["is gone", "is an older copy", "is another one of the same length"])(
    "%s: the start is refused, unless somebody takes it as it is",
    async (what) => {
      const installation = await createInstallation();
      const first = await installation.open();
      await first.make(fact("con_1"));
      await installation.close();
      await installation.copy("journal", "older");
      const second = await installation.open();
      await second.make(fact("con_2"));
      await second.settled(2);
      await installation.close();
      await installation.remove("journal");
      if (what === "is an older copy") await installation.copy("older", "journal");
      if (what === "is another one of the same length") {
        await installation.copy("older", "journal");
        const forked = await createForked(installation.root);
        await installation.remove("journal");
        await installation.copy(forked, "journal");
      }
      const refused = await installation.open().then(
        () => undefined,
        (error: unknown) => error as JournalError,
      );
      expect(refused).toBeInstanceOf(JournalError);
      expect(refused!.code).toBe("lost");
      expect(refused!.message.split("\n")).toHaveLength(1);
      const [, accepted] = /WELLAPI_ACCEPT_JOURNAL=(\S+)/.exec(refused!.message)!;
      await expect(installation.open({ accepted: `${accepted}9` })).rejects.toMatchObject({ code: "lost" });
      const third = await installation.open({ accepted: accepted! });
      await third.make(fact("con_3"));
      // Taken once: from now on it is the data's.
      expect((await installation.open()).replayed).toEqual([]);
    },
  );
});

test("what the journal could not be told is told later, also by another start", async () => {
  const installation = await createInstallation();
  const { store, follower, journal } = await installation.open();
  await follower.close();
  const owed = fact("con_1");
  await store.commit({ partition: owed.partition, changes: [follower.owed(owed)] });
  expect((await journal.extent()).head.position).toBe(0);
  const again = await installation.open();
  await again.settled(1);
  expect((await again.journal.extent()).head.position).toBe(1);
  const { documents } = await again.store.scan("journal_owed", { equals: ["local/pat_1"], limit: 10 });
  expect(documents).toEqual([]);
});

/** Two entries as well, but the second is another. */
async function createForked(root: string): Promise<string> {
  const kms = await openLocalKms({ path: `${root}/master.key` });
  const files = await openFileJournal({ thread: "callers", folder: `${root}/journal` });
  await (await createJournal({ repository: files, kms })).append(fact("con_other"));
  await files.close();
  await kms.close();
  await rename(`${root}/journal`, `${root}/forked`);
  return "forked";
}
