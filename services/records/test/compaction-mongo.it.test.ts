import { randomBytes } from "node:crypto";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import { openMongoStore } from "@wellapi/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MongoServer, openMongoServer } from "../../../packages/store/test/mongo-server.ts";
import type { BlockDocument, CompactedDocument } from "../src/blocks/documents.ts";
import { isCompacted } from "../src/blocks/documents.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { recordsCollections } from "../src/index.ts";
import { append, heartRates, openScene, readAll } from "./world.ts";

const start = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;

describe("compaction over MongoDB", () => {
  let server: MongoServer | undefined;
  beforeAll(async () => {
    server = await openMongoServer();
  });
  afterAll(() => server?.stop());

  test("merges in one commit, gives way to an append that came between, and lets batches be taken back", async (context) => {
    if (server === undefined) return context.skip();
    const database = `wellapi_test_${randomBytes(6).toString("hex")}`;
    const { uri } = server;
    const openStore = () => openMongoStore({ uri, database, collections: recordsCollections });
    const scene = await openScene({}, { openStore });
    const { world, maker, patient } = scene;
    const { store, vault } = world;
    const deps = {
      store,
      vault,
      queue: createPatientQueue(),
      clock: systemClock,
      ids: randomIds,
      damage: { report() {} },
    };
    const pass = createPass(deps, new AbortController().signal);
    const minute = (at: number, value: number) =>
      append(scene, `m${at}.${value}`, [heartRates(start + at * MINUTE, [value])]);
    await Promise.all(Array.from({ length: 10 }, (_, at) => minute(at, 60 + at)));
    const wrong = await minute(7, 99);
    const whole = await readAll(scene);
    expect(whole[7]).toEqual([start + 7 * MINUTE, 99]);
    // Another replica appends while the commit of the compaction is under way: one of them is refused and tries again.
    await Promise.all([pass(patient.partition).catch(() => undefined), minute(10, 80)]);
    await pass(patient.partition);
    const blocks = await store.scan<BlockDocument | CompactedDocument>("blocks", {
      equals: [patient.partition],
      limit: 100,
    });
    expect(blocks.documents.every(({ document }) => isCompacted(document))).toBe(true);
    expect(blocks.documents.length).toBeLessThan(4);
    expect(await readAll(scene)).toEqual([...whole, [start + 10 * MINUTE, 80]]);
    const retraction = {
      patient: world.idFor(maker, patient),
      target: { case: "batch" as const, value: wrong.batch },
      reason: RetractionReason.ENTERED_IN_ERROR,
    };
    await world.writer(maker).retractBatch({ retraction });
    expect((await readAll(scene))[7]).toEqual([start + 7 * MINUTE, 67]);
  }, 240_000);
});
