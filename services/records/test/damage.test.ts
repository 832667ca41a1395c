import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { createLogger, randomIds, systemClock } from "@wellapi/runtime";
import { openSqliteStore, type Store, StoreError } from "@wellapi/store";
import { describe, expect, it, onTestFinished } from "vitest";
import type {
  BlockDocument,
  CompactedDocument,
  Head,
  ObservationBlockDocument,
  SeriesDocument,
} from "../src/blocks/documents.ts";
import { isCompacted, recordsCollections } from "../src/blocks/documents.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { recordsCheck } from "../src/check.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { resumeTokenAfter, sequencesByBatch } from "./watching.ts";
import {
  append,
  application,
  heartRates,
  openScene,
  queryInit,
  readAll,
  reasonOf,
  samplesOf,
} from "./world.ts";

type Scene = Awaited<ReturnType<typeof openScene>>;
type AnyBlock = BlockDocument | CompactedDocument;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const start = Date.UTC(2016, 3, 12, 6);

/** A scene whose records service writes its log here. */
async function openLogged() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "test",
    env: { WELLAPI_LOG_FORMAT: "json" },
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const scene = await openScene({}, { log });
  const told = () => lines.filter(({ msg }) => String(msg).startsWith("a stored document is damaged"));
  return { scene, lines, told };
}

async function blocksOf({ world, patient }: Scene) {
  const page = await world.store.scan<AnyBlock>("blocks", {
    index: "by_from",
    equals: [patient.partition],
    limit: 1_000,
  });
  return page.documents;
}

/** As a disk does it: one bit of the document's sealed bytes is another. */
async function flip(
  { world, patient }: Scene,
  collection: string,
  document: { readonly partition: string; readonly [field: string]: unknown },
  revision: number,
  field = "sealed",
) {
  const bytes = Uint8Array.from(document[field] as Uint8Array);
  bytes[bytes.length >> 1]! ^= 4;
  const changed = { ...document, [field]: bytes };
  const result = await world.store.commit({
    partition: patient.partition,
    changes: [{ kind: "replace", collection, document: changed, ifRevision: revision }],
  });
  expect(result.committed).toBe(true);
}

/** One batch an hour, of an hour's minutes. */
async function hours(scene: Scene, count: number) {
  for (let hour = 0; hour < count; hour++) {
    const values = Array.from({ length: 60 }, (_, i) => 60 + ((hour + i) % 40));
    await append(scene, `h${hour}`, [heartRates(start + hour * HOUR, values)]);
  }
}

async function failure(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => ConnectError.from(thrown),
  );
  expect(error, "the call fails").toBeDefined();
  return problemOf(error!);
}

/** What a stream delivers before it ends, and how it ends. */
async function readUntilEnd({ world, clinic, patient }: Scene, from?: number, to?: number) {
  const times: number[] = [];
  const query = queryInit(world.idFor(clinic, patient), {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  });
  try {
    for await (const { payload } of world.reader(clinic).readSeries(query)) {
      if (payload.case === "series") times.push(...samplesOf(payload.value.series!).map(([time]) => time));
    }
  } catch (error) {
    return { times, reason: problemOf(ConnectError.from(error)).reason };
  }
  return { times, reason: "OK" };
}

function passOf({ world }: Scene, report: (what: unknown) => void = () => {}) {
  const { store, vault } = world;
  const deps = { store, vault, queue: createPatientQueue(), clock: systemClock, ids: randomIds };
  return createPass({ ...deps, damage: { report } }, new AbortController().signal);
}

describe("one bit of a sealed block flips", () => {
  it("a stream delivers what comes before, in order, and ends with DATA_LOSS; other intervals are whole", async () => {
    const { scene } = await openLogged();
    await hours(scene, 24);
    const blocks = await blocksOf(scene);
    const hit = blocks.find(({ document }) => document.from_ms === start + 10 * HOUR)!;
    await flip(scene, "blocks", hit.document, hit.revision);

    const cut = await readUntilEnd(scene);
    expect(cut.reason).toBe("DATA_DAMAGED");
    expect(cut.times).toEqual(Array.from({ length: 600 }, (_, i) => start + i * MINUTE));
    expect(await readUntilEnd(scene, start, start + 10 * HOUR)).toMatchObject({ reason: "OK" });
    const after = await readUntilEnd(scene, start + 11 * HOUR);
    expect(after).toMatchObject({ reason: "OK" });
    expect(after.times).toHaveLength(13 * 60);
    // From the middle of the damaged block on there is nothing certain to deliver.
    expect(await readUntilEnd(scene, start + 10.5 * HOUR)).toEqual({ times: [], reason: "DATA_DAMAGED" });
  });

  it("pages and aggregates over it are DATA_LOSS, say whose fault it is not, and name no value", async () => {
    const { scene } = await openLogged();
    const { world, clinic, patient } = scene;
    await hours(scene, 4);
    const [, hit] = await blocksOf(scene);
    await flip(scene, "blocks", hit!.document, hit!.revision);
    const reader = world.reader(clinic);
    const query = queryInit(world.idFor(clinic, patient), { from: start, to: start + 4 * HOUR });
    const problem = await failure(reader.querySeries(query));
    expect(problem).toMatchObject({ code: Code.DataLoss, reason: "DATA_DAMAGED" });
    expect(problem.retryAfterMs).toBeUndefined();
    expect(problem.message).toContain("no fault of the request");
    const aggregate = (from: number, to: number) =>
      reader.aggregateSeries({
        ...queryInit(world.idFor(clinic, patient), { from, to }),
        bucketSize: BucketSize.HOUR,
      });
    expect(await reasonOf(aggregate(start, start + 4 * HOUR))).toBe("DATA_DAMAGED");
    const { aggregates } = await aggregate(start + 2 * HOUR, start + 4 * HOUR);
    expect(aggregates[0]!.buckets.map(({ count }) => Number(count))).toEqual([60, 60]);
    const accesses = await world.accesses();
    const damaged = accesses.filter(({ reason }) => reason === "DATA_DAMAGED");
    expect(damaged.map(({ outcome, items }) => [outcome, items])).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it("another patient's and another code's reads go on", async () => {
    const { scene } = await openLogged();
    const { world, maker, clinic } = scene;
    await hours(scene, 2);
    const weight = {
      ...heartRates(start, [80]),
      code: { code: "29463-7" },
      unit: "kg",
    };
    await append(scene, "weight", [weight]);
    const other = { ...scene, patient: world.patient() };
    for (const [organization, direction] of [
      [maker.organization, 1],
      [clinic.organization, 2],
    ] as const) {
      await world.grant(other.patient, { organization, direction, codes: ["8867-4"] });
    }
    await hours(other, 1);
    const stored = await blocksOf(scene);
    for (const { document, revision } of stored.filter(({ document: { count } }) => count === 60)) {
      await flip(scene, "blocks", document, revision);
    }
    expect(await reasonOf(readAll(scene))).toBe("DATA_DAMAGED");
    expect(await readAll(scene, { code: "29463-7" })).toHaveLength(1);
    expect(await readAll(other)).toHaveLength(60);
  });

  it("the log says once where it lies, and nothing else of it", async () => {
    const { scene, lines, told } = await openLogged();
    await hours(scene, 2);
    const [hit] = await blocksOf(scene);
    await flip(scene, "blocks", hit!.document, hit!.revision);
    for (let i = 0; i < 3; i++) expect(await reasonOf(readAll(scene))).toBe("DATA_DAMAGED");
    const { partition, batch, item } = hit!.document;
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatchObject({
      level: "error",
      service: "records",
      collection: "blocks",
      document: `${partition} ${batch} ${item}`,
      reason: "its seal does not open",
    });
    expect(lines.filter(({ msg }) => msg === "unexpected error")).toEqual([]);
    expect(JSON.stringify(lines)).not.toMatch(/8867-4|serial-1|Band/);
  });

  it("a watch delivers the commits before it, then ends with DATA_LOSS", async () => {
    const { scene } = await openLogged();
    const { world, clinic, patient } = scene;
    await hours(scene, 6);
    const hit = (await blocksOf(scene)).find(({ document }) => document.from_ms === start + 3 * HOUR)!;
    await flip(scene, "blocks", hit.document, hit.revision);
    expect(await watchUntilEnd(scene)).toEqual({ sequences: [1, 2, 3], reason: "DATA_DAMAGED" });
    // The same once the others are merged into one block, which is damaged, too.
    await passOf(scene)(patient.partition);
    expect(await watchUntilEnd(scene)).toEqual({ sequences: [1, 2, 3], reason: "DATA_DAMAGED" });
    const merged = (await blocksOf(scene)).find(({ document }) => isCompacted(document))!;
    await flip(scene, "blocks", merged.document, merged.revision);
    expect(await watchUntilEnd(scene)).toEqual({ sequences: [], reason: "DATA_DAMAGED" });
    expect(world.idFor(clinic, patient)).toBeDefined();
  });
});

/** Commits that a watch from the beginning delivers, until it ends. */
async function watchUntilEnd(scene: Scene) {
  const { world, clinic, patient } = scene;
  const { code, purpose } = queryInit("", {});
  const query = { patient: world.idFor(clinic, patient), codes: [code], purpose };
  const byBatch = await sequencesByBatch(scene, 6);
  const sequences: number[] = [];
  const ends = new AbortController();
  onTestFinished(() => ends.abort());
  try {
    const stream = world
      .reader(clinic)
      .watchSeries({ ...query, resumeToken: resumeTokenAfter(scene, query, 0) }, { signal: ends.signal });
    for await (const { payload } of stream) {
      if (payload.case === "series") sequences.push(byBatch.get(payload.value.batch)!);
    }
  } catch (error) {
    return { sequences, reason: problemOf(ConnectError.from(error)).reason };
  }
  return { sequences, reason: "OK" };
}

describe("compaction meets a damaged block", () => {
  it("merges the others, leaves it where it is, and does not come back to it", async () => {
    const { scene } = await openLogged();
    const { world, patient } = scene;
    await hours(scene, 12);
    const hit = (await blocksOf(scene)).find(({ document }) => document.from_ms === start + 5 * HOUR)!;
    await flip(scene, "blocks", hit.document, hit.revision);
    const reports: unknown[] = [];
    const pass = passOf(scene, (what) => reports.push(what));
    await pass(patient.partition);
    const after = (await blocksOf(scene)).map(({ document }) => document);
    expect(after.filter((block) => !isCompacted(block)).map(({ batch }) => batch)).toEqual([
      hit.document.batch,
    ]);
    expect(after.filter(isCompacted).reduce((sum, { count }) => sum + count, 0)).toBe(11 * 60);
    expect(reports).toHaveLength(1);
    const head = (await world.store.get<Head>("heads", [patient.partition]))!.document;
    expect(head.compacted).toBe(head.sequence);
    expect(head.loose_since_ms).toBeUndefined();
    await pass(patient.partition);
    expect(reports).toHaveLength(1);
    const cut = await readUntilEnd(scene);
    expect(cut).toMatchObject({ reason: "DATA_DAMAGED" });
    expect(cut.times).toHaveLength(5 * 60);
    expect((await readUntilEnd(scene, start + 6 * HOUR)).times).toHaveLength(6 * 60);
  });

  it("a damaged merged block is left out of later merges", async () => {
    const { scene } = await openLogged();
    const { patient } = scene;
    await hours(scene, 3);
    await passOf(scene)(patient.partition);
    const [merged] = await blocksOf(scene);
    await flip(scene, "blocks", merged!.document, merged!.revision);
    await append(scene, "again", [heartRates(start + HOUR, [99, 98])]);
    await passOf(scene)(patient.partition);
    const documents = (await blocksOf(scene)).map(({ document }) => document);
    expect(documents.map((document) => [isCompacted(document), document.count])).toEqual([
      [true, 180],
      [true, 2],
    ]);
    expect(await reasonOf(readAll(scene))).toBe("DATA_DAMAGED");
  });

  it("a damaged summary costs time and nothing else", async () => {
    const { scene, told } = await openLogged();
    const { world, clinic, patient } = scene;
    for (let hour = 0; hour < 4; hour++) {
      const values = Array.from({ length: 360 }, (_, i) => 60 + (i % 40));
      await append(scene, `dense${hour}`, [heartRates(start + hour * HOUR, values, 10_000)]);
    }
    await passOf(scene)(patient.partition);
    const [merged] = await blocksOf(scene);
    expect((merged!.document as CompactedDocument).summary).toBeDefined();
    const aggregate = async () => {
      const query = queryInit(world.idFor(clinic, patient), { from: start, to: start + 4 * HOUR });
      const { aggregates } = await world
        .reader(clinic)
        .aggregateSeries({ ...query, bucketSize: BucketSize.HOUR });
      return aggregates[0]!.buckets.map(({ count, sum }) => [Number(count), Number(sum)]);
    };
    const whole = await aggregate();
    await flip(scene, "blocks", merged!.document, merged!.revision, "summary");
    // The hours that were opened before are not asked for again until something is committed.
    await append(scene, "elsewhere", [heartRates(start + 48 * HOUR, [70])]);
    expect(await aggregate()).toEqual(whole);
    expect(told()).toHaveLength(1);
  });

  it("a batch of another code can be taken back; one that may lie in it cannot be promised gone", async () => {
    const { scene } = await openLogged();
    const { world, maker, patient } = scene;
    await hours(scene, 2);
    const weight = { ...heartRates(start, [80]), code: { code: "29463-7" }, unit: "kg" };
    const weighed = await append(scene, "weight", [weight]);
    const sent = await append(scene, "later", [heartRates(start + 2 * HOUR, [70, 71])]);
    await passOf(scene)(patient.partition);
    const merged = (await blocksOf(scene)).find(({ document }) => document.count > 1)!;
    await flip(scene, "blocks", merged.document, merged.revision);
    const retract = ({ batch }: { readonly batch: string }) =>
      world.writer(maker).retractBatch({
        retraction: {
          patient: world.idFor(maker, patient),
          target: { case: "batch" as const, value: batch },
          reason: RetractionReason.ENTERED_IN_ERROR,
        },
      });
    expect(await reasonOf(retract(weighed))).toBe("OK");
    expect(await reasonOf(retract(sent))).toBe("DATA_DAMAGED");
  });
});

describe("one bit of a block of observations flips", () => {
  const at = (minute: number) => timestampFromMs(start + minute * MINUTE);

  /** One batch an observation, ten days apart, so that each has a block of its own. */
  async function weights(scene: Scene) {
    const { world, maker, patient } = scene;
    const batches: string[] = [];
    for (let i = 0; i < 5; i++) {
      const observation = {
        code: { code: "29463-7" },
        effective: { case: "effectiveTime" as const, value: at(i * 10 * 24 * 60) },
        value: { case: "quantity" as const, value: { value: `${80 + i}`, unit: "kg" } },
      };
      const batch = { requestId: `w${i}`, patient: world.idFor(maker, patient), observations: [observation] };
      batches.push((await world.writer(maker).appendObservations({ batch })).receipt!.batch);
    }
    return batches;
  }

  it("what is newer is listed, what is older in its own interval; itself is DATA_LOSS, for those only who may read it", async () => {
    const { scene } = await openLogged();
    const { world, clinic, patient } = scene;
    await weights(scene);
    const reader = world.reader(clinic);
    const queryOf = (query: { readonly to?: number } = {}) => {
      const { unit: _u, digits: _d, ...rest } = queryInit(world.idFor(clinic, patient), query);
      return { ...rest, code: { code: "29463-7" } };
    };
    const query = queryOf();
    const whole = await reader.listObservations(query);
    expect(whole.observations).toHaveLength(5);
    // Somebody who may not read them any more, and knows the ids of before.
    const former = application();
    const terms = { organization: former.organization, direction: Direction.READ, codes: ["29463-7"] };
    const lapsed = await world.grant(patient, terms);
    const known = await world
      .reader(former)
      .listObservations({ ...query, patient: world.idFor(former, patient) });
    await world.consent.revoke(lapsed);
    const stored = await world.store.scan<ObservationBlockDocument>("observation_blocks", {
      equals: [patient.partition],
      limit: 100,
    });
    const third = stored.documents.toSorted((a, b) => a.document.from_ms - b.document.from_ms)[2]!;
    await flip(scene, "observation_blocks", third.document, third.revision);

    expect((await reader.listObservations({ ...query, pageSize: 2 })).observations).toHaveLength(2);
    expect(await reasonOf(reader.listObservations(query))).toBe("DATA_DAMAGED");
    const older = queryOf({ to: start + 15 * 24 * HOUR });
    expect((await reader.listObservations(older)).observations).toHaveLength(2);
    const get = (who: typeof clinic, id: string) =>
      world.reader(who).getObservation({
        patient: world.idFor(who, patient),
        observation: id,
        purpose: Purpose.TREATMENT,
      });
    expect(await reasonOf(get(clinic, whole.observations[1]!.id))).toBe("OK");
    expect(await reasonOf(get(clinic, whole.observations[2]!.id))).toBe("DATA_DAMAGED");
    expect(known.observations).toHaveLength(5);
    expect(await reasonOf(get(former, known.observations[2]!.id))).toBe("CONSENT_REQUIRED");
  });
});

describe("the store's file", () => {
  /** A scene whose store fails as its disk does, once it is told to. */
  async function openFailing() {
    let failure: StoreError | undefined;
    const openStore = async () => {
      const folder = await mkdtemp(join(tmpdir(), "wellapi-damage-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const store = await openSqliteStore({
        thread: "callers",
        path: join(folder, "records.db"),
        collections: recordsCollections,
      });
      const failing: Pick<Store, "scan" | "commit"> = {
        async scan(collection, scan) {
          if (failure?.code === "damaged" && collection === "blocks") throw failure;
          return store.scan(collection, scan);
        },
        async commit(commit) {
          if (failure?.full && commit.changes.some(({ collection }) => collection === "blocks"))
            throw failure;
          return store.commit(commit);
        },
      };
      return { ...store, ...failing };
    };
    const scene = await openScene({}, { openStore });
    return { scene, fail: (error: StoreError) => (failure = error) };
  }

  it("with a damaged page is DATA_LOSS for what lies on it, and no reason to try again", async () => {
    const { scene, fail } = await openFailing();
    const { world, clinic, patient } = scene;
    await hours(scene, 1);
    fail(new StoreError("damaged", "the store's file is damaged or is no store"));
    const reader = world.reader(clinic);
    const problem = await failure(
      reader.querySeries(queryInit(world.idFor(clinic, patient), { from: start, to: start + HOUR })),
    );
    expect(problem).toMatchObject({ code: Code.DataLoss, reason: "STORE_DAMAGED" });
    expect(problem.retryAfterMs).toBeUndefined();
    const query = queryInit(world.idFor(clinic, patient), {});
    const { unit: _u, digits: _d, ...list } = query;
    expect((await reader.listObservations(list)).observations).toEqual([]);
  });

  it("on a full disk takes nothing, which is DISK_FULL, and is read", async () => {
    const { scene, fail } = await openFailing();
    await hours(scene, 1);
    fail(new StoreError("unavailable", "the disk is full", { full: true }));
    const problem = await failure(append(scene, "more", [heartRates(start + HOUR, [70])]));
    expect(problem).toMatchObject({ code: Code.Unavailable, reason: "DISK_FULL" });
    expect(problem.retryAfterMs).toBeGreaterThan(0);
    expect(await readAll(scene)).toHaveLength(60);
  });
});

describe("an exchange that cannot do all of it", () => {
  it("takes no data while the disk has no room for it, which is DISK_FULL, and is read", async () => {
    let full = false;
    const scene = await openScene({}, { readOnly: () => full });
    await hours(scene, 1);
    full = true;
    const batch = [heartRates(start + HOUR, [70])];
    expect(await failure(append(scene, "more", batch))).toMatchObject({
      code: Code.Unavailable,
      reason: "DISK_FULL",
    });
    expect(await readAll(scene)).toHaveLength(60);
    full = false;
    await append(scene, "more", batch);
    expect(await readAll(scene)).toHaveLength(61);
  });

  it("reads nothing while the log of accesses is damaged, and takes data", async () => {
    let damaged = false;
    const scene = await openScene({}, { logDamaged: () => damaged });
    const { world, clinic, patient } = scene;
    await hours(scene, 1);
    damaged = true;
    const reader = world.reader(clinic);
    const query = queryInit(world.idFor(clinic, patient), { from: start, to: start + HOUR });
    const refused = { code: Code.Unavailable, reason: "LOG_DAMAGED" };
    expect(await failure(reader.querySeries(query))).toMatchObject(refused);
    expect(await failure(readAll(scene))).toMatchObject(refused);
    await append(scene, "more", [heartRates(start + HOUR, [70])]);
    damaged = false;
    expect(await readAll(scene)).toHaveLength(61);
  });
});

describe("the check of what lies there", () => {
  it("finds a head that was set back, and a series in another's place", async () => {
    const { scene } = await openLogged();
    const { world, patient } = scene;
    await hours(scene, 3);
    const sealer = { seal: () => new Uint8Array(), open: () => new Uint8Array() };
    const { documents } = recordsCheck({ reads: world.store, vault: world.vault, sealer });
    const blocks = (await blocksOf(scene)).map(({ document }) => document);
    for (const block of blocks) expect(await documents.blocks!(block)).toBeUndefined();
    const head = (await world.store.get<Head>("heads", [patient.partition]))!;
    const change = {
      kind: "replace" as const,
      collection: "heads",
      document: { ...head.document, sequence: 2 },
      ifRevision: head.revision,
    };
    expect((await world.store.commit({ partition: patient.partition, changes: [change] })).committed).toBe(
      true,
    );
    const found = await Promise.all(blocks.map((block) => documents.blocks!(block)));
    expect(found.map((finding) => finding?.what)).toEqual([
      undefined,
      undefined,
      "its sequence is beyond that of the patient's head",
    ]);
    const [series] = (
      await world.store.scan<SeriesDocument>("series", { equals: [patient.partition], limit: 10 })
    ).documents;
    expect(await documents.series!(series!.document)).toBeUndefined();
    const moved = { ...series!.document, code: `${series!.document.code}x` };
    expect(await documents.series!(moved)).toMatchObject({ what: "its seal does not open" });
  });
});
