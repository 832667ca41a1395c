import { randomBytes } from "node:crypto";
import { silentLogger } from "@wellapi/runtime";
import { openMongoStore } from "@wellapi/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MongoServer, openMongoServer } from "../../../packages/store/test/mongo-server.ts";
import { dropDatabase } from "../../../packages/store/test/mongo-under-test.ts";
import { consentCollections } from "../src/collections.ts";
import { sealStoredConsents } from "../src/consent-migration.ts";
import { format2Collections } from "./format-two.ts";
import { expectAllTold, patients, storeAllFormat2 } from "./format-two-story.ts";
import { openInstallation } from "./installation.ts";

describe("consents that format 2 stored in MongoDB", () => {
  let server: MongoServer | undefined;
  beforeAll(async () => {
    server = await openMongoServer();
  });
  afterAll(() => server?.stop());

  test("are sealed by replicas that start at once, and a replica of before writes no consent in clear any more", async (context) => {
    if (server === undefined) return context.skip();
    const database = `wellapi_test_${randomBytes(6).toString("hex")}`;
    const { uri } = server;
    const before = await openMongoStore({ uri, database, collections: format2Collections });
    await storeAllFormat2(before);
    const open = () => openMongoStore({ uri, database, collections: consentCollections });
    const installation = await openInstallation({ openStore: open });
    await expectAllTold(installation);

    // The note is gone, as in a restored backup: two more replicas migrate at the same time, and find nothing to do.
    const { store, sealing } = installation;
    const note = {
      kind: "delete",
      collection: "document_migrations",
      key: ["migrations", "consents_sealed"],
    } as const;
    await store.commit({ partition: "migrations", changes: [note] });
    const other = await open();
    const both = [store, other].map((one) => sealStoredConsents({ store: one, sealing, log: silentLogger }));
    expect(await Promise.all(both)).toEqual([true, true]);
    await other.close();
    await expectAllTold(installation);

    const [first] = patients;
    const { partition, kept } = first!;
    const { id: consent, terms, createTime: create_time } = kept[0]!.consent;
    const clear = {
      partition,
      consent: `${consent}x`,
      grantee: terms.grantee,
      create_time,
      unrevoked: true,
      request_id: "x",
    };
    const insert = { kind: "insert", collection: "consents", document: clear } as const;
    await expect(before.commit({ partition, changes: [insert] })).rejects.toMatchObject({
      code: "unavailable",
    });
    await before.close();
    await dropDatabase(uri, database);
  }, 120_000);
});
