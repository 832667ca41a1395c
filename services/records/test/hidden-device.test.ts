/** Who may read without devices is answered as if the sender had named none: neither how many there are shows, nor which. */
import { setTimeout } from "node:timers/promises";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { type MessageShape, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { PreviewedKind_Withheld as Withheld } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { BucketSize, MergeRule, SampleOrder } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  AggregateSeriesResponseSchema,
  GetObservationResponseSchema,
  ListObservationsResponseSchema,
  ListSeriesResponseSchema,
  MergeSeriesResponseSchema,
  QuerySeriesResponseSchema,
  ReadSeriesResponseSchema,
  WatchSeriesResponseSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { withBox } from "../src/blocks/patient-box.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { everything } from "./clinical/clinical-scene.ts";
import type { TestConsent } from "./fake-consent.ts";
import { resumeTokenAfter } from "./watching.ts";
import {
  append,
  application,
  HEART_RATE,
  openWorld,
  queryInit,
  reasonOf,
  type TestApplication,
  type TestPatient,
  WEIGHT,
  type World,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const masks = [Mask.DEVICE];
const SLEEP = "sleep-stage";
/** Of some data the device may be told: that of this time. */
const told = { from: T0, to: T0 + 2 * HOUR };

/** What is sent at once: samples of several devices, as series and as observations. */
interface Sent {
  readonly device: string;
  readonly kind: "rates" | "stages" | "weights";
  /** From here on, in minutes. */
  readonly from: number;
  readonly count: number;
  readonly everyMinutes: number;
  readonly lastingMinutes: number;
  readonly scale: number;
}
interface Batch {
  readonly items: readonly Sent[];
  readonly retracts: boolean;
}

const device = fc.constantFrom("", "watch", "ring", "strap");
const item: fc.Arbitrary<Sent> = fc.record({
  device,
  kind: fc.constantFrom("rates", "rates", "stages", "weights"),
  // Nothing reaches over the end of what is told with its device.
  from: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 120, max: 170 })),
  count: fc.integer({ min: 1, max: 6 }),
  everyMinutes: fc.integer({ min: 1, max: 4 }),
  lastingMinutes: fc.integer({ min: 0, max: 3 }),
  scale: fc.integer({ min: 0, max: 1 }),
});
const history = fc.record({
  batches: fc.array(
    fc.record({ items: fc.array(item, { minLength: 1, maxLength: 4 }), retracts: fc.boolean() }),
    { minLength: 2, maxLength: 5 },
  ),
  /** After so many batches blocks are merged. */
  compactedAfter: fc.integer({ min: 0, max: 5 }),
});

interface View {
  readonly world: World;
  readonly maker: TestApplication;
  readonly clinic: TestApplication;
  readonly patient: TestPatient;
}

type Terms = Partial<TestConsent> | ((view: View) => Promise<Partial<TestConsent>>);

/** @param as the device that is named instead; undefined: the item is not sent */
type Rename = (item: Sent) => string | undefined;

async function openWorlds() {
  const world = await openWorld();
  const [maker, clinic] = [application(), application()];
  /** Someone of whom this was sent, and whom the clinic reads by these consents. */
  async function patientOf(
    { batches, compactedAfter }: { readonly batches: readonly Batch[]; readonly compactedAfter: number },
    as: Rename,
    ...terms: readonly Terms[]
  ): Promise<View> {
    const patient = world.patient();
    const view = { world, maker, clinic, patient };
    const contributing = { organization: maker.organization, direction: Direction.CONTRIBUTE };
    await world.grant(patient, { ...contributing, codes: everything });
    for (const [i, batch] of batches.entries()) {
      if (i === compactedAfter) await compact(view);
      await send(view, i, batch, as);
    }
    await append(view, "last", [seriesOf({ ...last, device: "" }, "")]);
    const reading = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    for (const one of terms)
      await world.grant(patient, { ...reading, ...(typeof one === "function" ? await one(view) : one) });
    return view;
  }
  return { world, maker, clinic, patientOf };
}

const last: Sent = {
  device: "",
  kind: "rates",
  from: 200,
  count: 1,
  everyMinutes: 1,
  lastingMinutes: 0,
  scale: 0,
};

async function compact({ world, patient }: View): Promise<void> {
  const { store, vault } = world;
  const deps = { store, vault, queue: createPatientQueue(), clock: systemClock, ids: randomIds };
  const pass = createPass({ ...deps, damage: { report() {} } }, new AbortController().signal);
  await pass(patient.partition);
}

async function send(view: View, number: number, { items, retracts }: Batch, as: Rename): Promise<void> {
  const { world, maker, patient } = view;
  const kept = items.flatMap((one) => {
    const name = as(one);
    return name === undefined ? [] : [{ one, name }];
  });
  const series = kept.filter(({ one }) => one.kind !== "weights").map(({ one, name }) => seriesOf(one, name));
  const observations = kept
    .filter(({ one }) => one.kind === "weights")
    .flatMap(({ one, name }) => weightsOf(one, name, number));
  const to = world.idFor(maker, patient);
  const batches: string[] = [];
  if (series.length > 0) batches.push((await append(view, `s${number}`, series)).batch);
  if (observations.length > 0) {
    const batch = { requestId: `o${number}`, patient: to, observations };
    batches.push((await world.writer(maker).appendObservations({ batch })).receipt!.batch);
  }
  for (const value of retracts ? batches.slice(0, 1) : []) {
    const target = { case: "batch" as const, value };
    const retraction = { patient: to, target, reason: RetractionReason.ENTERED_IN_ERROR };
    await world.writer(maker).retractBatch({ retraction });
  }
}

function seriesOf(one: Sent, name: string): MessageInitShape<typeof SeriesSchema> {
  const { kind, from, count, everyMinutes, lastingMinutes, scale } = one;
  const at = Array.from({ length: count }, (_, i) => i);
  const isRate = kind === "rates";
  const coding = (i: number) => ({ system: "https://example.org/stages", code: `stage-${(from + i) % 3}` });
  return {
    code: isRate ? { code: HEART_RATE } : queryInit("", { code: SLEEP }).code,
    ...(isRate && { unit: "/min" }),
    ...deviceOf(name),
    times: {
      start: { case: "startTime", value: timestampFromMs(T0 + from * MINUTE) },
      utcOffsetMinutes: 0,
      durationMs: lastingMinutes * MINUTE,
      spacing: { case: "periodMs", value: everyMinutes * MINUTE },
    },
    values: isRate
      ? { case: "decimals", value: { scale, mantissas: at.map((i) => 600 + from + 7 * i) } }
      : { case: "coded", value: { dictionary: [0, 1, 2].map(coding), indexes: at.map((i) => i % 3) } },
  };
}

/** Observations of one time are in the order of their batches' ids, which are random: only those of one batch share a time. */
function weightsOf({ from, count, everyMinutes }: Sent, name: string, batch: number) {
  return Array.from({ length: count }, (_, i) => ({
    code: { code: WEIGHT },
    effective: {
      case: "effectiveTime" as const,
      value: timestampFromMs(T0 + (from + i * everyMinutes) * MINUTE + batch * 1_000),
    },
    utcOffsetMinutes: 0,
    value: { case: "quantity" as const, value: { value: String(70 + i), unit: "kg" } },
    ...deviceOf(name),
  }));
}

function deviceOf(name: string) {
  return name === "" ? {} : { device: { identifier: name, model: `${name} of its maker` } };
}

const random = "access id nextPageToken batch receiveTime consent resumeToken consents".split(" ");

/** A message without what is random or of its time; of a device's id, that there is one. */
function saidIn<D extends DescMessage>(schema: D, message: MessageShape<D>): string {
  return JSON.stringify(toJson(schema, message), (key, value) => {
    if (random.includes(key)) return undefined;
    return key === "deviceId" && value !== "" ? "some" : value;
  });
}

async function pages<D extends DescMessage>(
  schema: D,
  page: (pageToken: string) => Promise<MessageShape<D>>,
): Promise<string[]> {
  const all: string[] = [];
  for (let pageToken = ""; ; ) {
    const one = await page(pageToken);
    all.push(saidIn(schema, one));
    pageToken = (one as { nextPageToken?: string }).nextPageToken ?? "";
    if (pageToken === "") return all;
  }
}

/** All that the clinic is told, message by message. */
async function answersOf(view: View) {
  const { world, clinic, patient } = view;
  const reader = world.reader(clinic);
  const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
  const answers: Record<string, unknown> = {};
  const all = { from: T0 - HOUR, to: T0 + 5 * HOUR };
  for (const code of [HEART_RATE, SLEEP, WEIGHT]) {
    const query = queryInit(about.patient, { code });
    const bounded = queryInit(about.patient, { code, ...all });
    const streamed: string[] = [];
    for await (const message of reader.readSeries(query))
      streamed.push(saidIn(ReadSeriesResponseSchema, message));
    answers[`${code} streamed`] = streamed;
    answers[`${code} by page`] = await pages(QuerySeriesResponseSchema, (pageToken) =>
      reader.querySeries({ ...query, pageSize: 4, pageToken }),
    );
    for (const bucketSize of [BucketSize.MINUTE, BucketSize.HOUR]) {
      answers[`${code} in ${bucketSize}`] = await pages(AggregateSeriesResponseSchema, (pageToken) =>
        reader.aggregateSeries({ ...bounded, bucketSize, pageSize: 9, pageToken }),
      );
    }
    answers[`${code} merged`] = await pages(MergeSeriesResponseSchema, (pageToken) =>
      reader.mergeSeries({ ...bounded, rule: MergeRule.DEVICE_PRIORITY_BY_MINUTE, pageSize: 5, pageToken }),
    );
  }
  for (const order of [SampleOrder.NEWEST_DAY, SampleOrder.OLDEST_DAY]) {
    const codes = [HEART_RATE, SLEEP, WEIGHT].map((code) => queryInit("", { code }).code);
    answers[`days ${order}`] = await pages(QuerySeriesResponseSchema, (pageToken) =>
      reader.querySeries({ ...about, codes, order, pageSize: 7, pageToken }),
    );
  }
  answers.listed = await pages(ListSeriesResponseSchema, (pageToken) =>
    reader.listSeries({ ...about, pageSize: 2, pageToken }),
  );
  answers.observed = await pages(ListObservationsResponseSchema, (pageToken) =>
    reader.listObservations({ ...about, code: { code: WEIGHT }, pageSize: 3, pageToken }),
  );
  const { observations } = await reader.listObservations({ ...about, code: { code: WEIGHT } });
  answers.single = [];
  for (const { id: observation } of observations.slice(0, 2)) {
    const one = await reader.getObservation({ ...about, observation });
    (answers.single as string[]).push(saidIn(GetObservationResponseSchema, one));
  }
  answers.watched = await watchedBy(view);
  return answers;
}

/** A process that stalls loses its session with consent for a moment, and is told to ask again. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unavailable || tries === 20) throw error;
      await setTimeout(200);
    }
  }
}

/** What a watch delivers from the first commit to the last sample. */
async function watchedBy(view: View): Promise<string[]> {
  const { world, clinic, patient } = view;
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const codes = [HEART_RATE, SLEEP, WEIGHT].map((code) => queryInit("", { code }).code);
  const request = { patient: world.idFor(clinic, patient), codes, purpose: Purpose.TREATMENT };
  const resumeToken = resumeTokenAfter(view, request, 0);
  const said: string[] = [];
  const end = JSON.stringify(timestampText(T0 + last.from * MINUTE));
  for await (const message of world
    .reader(clinic)
    .watchSeries({ ...request, resumeToken }, { signal: abort.signal })) {
    said.push(saidIn(WatchSeriesResponseSchema, message));
    if (message.payload.case === "series" && said.at(-1)!.includes(end)) break;
  }
  return said;
}

function timestampText(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** Where several series of a code are told, their order is that of their random ids: what is told, in any order, and without the merged line. */
function inAnyOrder(answers: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(answers).filter(([name]) => !/ by page$| merged$|^days /.test(name));
  const itemsIn = (text: string): string[] => {
    const { series, aggregates = [], observations, payload, ...rest } = JSON.parse(text);
    // Of which series a page holds buckets goes by their order, too.
    const buckets = aggregates.flatMap((one: { buckets: unknown[] }) =>
      one.buckets.map((bucket) => ({ ...one, buckets: [bucket] })),
    );
    return [series, buckets, observations, payload, Object.keys(rest).length > 0 ? rest : []]
      .flat()
      .flatMap((one) => (one === undefined ? [] : [JSON.stringify(one)]));
  };
  return Object.fromEntries(
    kept.map(([name, texts]) => [name, (texts as string[]).flatMap(itemsIn).sort()] as const),
  );
}

const none: Rename = () => "";
const itsOwn: Rename = ({ device: name }) => name;
const isTold = ({ from }: Sent) => T0 + from * MINUTE < told.to;

/** What the clinic may read, and how a record would name its devices that is told like that. */
const permissions = {
  masked: { terms: () => [{ masks }], as: none },
  // A second permission, which names devices, of some of the time.
  partly: {
    terms: () => [{ masks }, { window: told }],
    as: (one: Sent) => (isTold(one) ? one.device : ""),
  },
  // A device is left out, too.
  except: {
    terms: () => [withoutStrap],
    as: ({ device: name }: Sent) => (name === "strap" ? undefined : ""),
  },
} satisfies Record<string, { terms: () => Terms[]; as: Rename }>;

async function withoutStrap(view: View): Promise<Partial<TestConsent>> {
  return { masks, sources: { except: [], without: [await deviceIdOf(view, "strap")] } };
}

function deviceIdOf({ world, maker: { organization }, patient }: View, name: string) {
  return withBox(world.vault, patient.partition, (box) => {
    return { organization, device: box.deviceId(organization, name)! };
  });
}

const rates: Sent = { ...last, from: 0, count: 4 };
/** Several devices at once, in one commit and in several, merged and not. */
const severalDevices = {
  compactedAfter: 1,
  batches: [
    {
      retracts: false,
      items: [
        { ...rates, device: "watch" },
        { ...rates, device: "ring", from: 10 },
        { ...rates, device: "strap", from: 2, lastingMinutes: 2 },
        { ...rates, device: "watch", from: 130, kind: "stages" as const },
        { ...rates, device: "ring", from: 132, kind: "stages" as const },
        { ...rates, device: "watch", kind: "weights" as const },
        { ...rates, device: "ring", kind: "weights" as const },
      ],
    },
    { retracts: false, items: [{ ...rates, device: "ring", from: 1, everyMinutes: 2 }] },
  ],
};

describe("a consent without devices", () => {
  it.each([
    ["", "masked"],
    [", but for the time of which a second consent names them", "partly"],
    [", and nothing had come of the one that is left out", "except"],
  ] as const)(
    "gives the answers of a record in which the sender had named none%s, message by message",
    async (_, name) => {
      const { patientOf } = await openWorlds();
      const { terms, as } = permissions[name];
      await fc.assert(
        fc.asyncProperty(history, async (sent) => {
          const hidden = await again(async () => answersOf(await patientOf(sent, itsOwn, ...terms())));
          const model = await again(async () => answersOf(await patientOf(sent, as, ...terms())));
          const told = name === "partly" ? inAnyOrder : (answers: object) => answers;
          expect(told(hidden)).toEqual(told(model));
        }),
        { numRuns: 2, examples: [[severalDevices]], endOnFailure: true },
      );
    },
  );

  it("and those of a consent that names devices, where the sender has none", async () => {
    const { patientOf } = await openWorlds();
    const [sent] = fc.sample(history, { numRuns: 1, seed: 15 });
    const hidden = await again(async () => answersOf(await patientOf(sent!, itsOwn, { masks })));
    const plain = await again(async () => answersOf(await patientOf(sent!, none, {})));
    // How samples are parted into runs, which differs by when blocks were merged, is not of the line, its sums and single ones.
    const alike = Object.keys(hidden).filter((name) =>
      / in | merged$|^listed$|^observed$|^single$/.test(name),
    );
    expect(alike.length).toBeGreaterThan(10);
    for (const name of alike) expect([name, hidden[name]]).toEqual([name, plain[name]]);
  });

  it("is not undone by a filter, by what is disputed or by the consents that let it through; a preview tells of it", async () => {
    const { world, clinic, patientOf } = await openWorlds();
    const one: Sent = { ...last, from: 10, count: 3 };
    const items = ["watch", "ring"].map((name) => ({ ...one, device: name }));
    const weights: Sent = { ...one, kind: "weights", device: "watch" };
    const sent = { batches: [{ items: [...items, weights], retracts: false }], compactedAfter: 9 };
    const onlyWatch = async (view: View) => {
      return { masks, sources: { only: [], also: [await deviceIdOf(view, "watch")] } };
    };
    const view = await again(() => patientOf(sent, itsOwn, { masks }, onlyWatch));
    const { patient, maker } = view;
    const reader = world.reader(clinic);
    const query = queryInit(world.idFor(clinic, patient), {});
    const about = { patient: query.patient, purpose: Purpose.TREATMENT };
    const watch = await deviceIdOf(view, "watch");
    const sources = { deviceIds: [world.outerId(clinic, watch.device)] };
    expect((await reader.querySeries({ ...query, sources })).series).toEqual([]);
    expect((await reader.listSeries({ ...about, sources })).series).toEqual([]);
    const observed = { ...about, code: { code: WEIGHT } };
    expect((await reader.listObservations({ ...observed, sources })).observations).toEqual([]);
    // The later of each two is of the ring, and yet told as what both consents let through, and as disputed as the watch's own.
    const [series, ...more] = (await reader.querySeries(query)).series;
    expect(more).toEqual([]);
    expect(series!.source!.consents).toHaveLength(2);
    expect(series!.source!.disputed).toEqual([]);
    const minute = { from: T0 + 11 * MINUTE, to: T0 + 12 * MINUTE };
    await world.dispute(patient, [{ ...watch, ...minute }]);
    const marked = (await reader.querySeries(query)).series[0]!.source!.disputed;
    expect(marked).toMatchObject([{ startTime: timestampFromMs(minute.from) }]);
    const asked = { case: "organization" as const, value: clinic.organization };
    const { kinds } = await world
      .previews(patient)
      .previewReads({ patient: world.ownId(patient), purpose: Purpose.TREATMENT, view: asked });
    const withheld = kinds.map((kind) => [kind.code!.code, kind.masks, kind.withheld, kind.seen!.values]);
    expect(withheld).toEqual([
      [WEIGHT, masks, Withheld.UNSPECIFIED, 3n],
      [HEART_RATE, masks, Withheld.JOINED, 4n],
    ]);
    expect(maker.organization).toBe(series!.source!.organization);
  });

  it("ends a stream that is open when devices may be told: it is asked again, and tells them then", async () => {
    const { world, clinic, patientOf } = await openWorlds();
    // A gap of more than fits into one message.
    const far: Sent = { ...last, device: "watch", from: 60 * 24 * 60 };
    const sent = { batches: [{ items: [{ ...far, from: 0 }, far], retracts: false }], compactedAfter: 9 };
    const { patient } = await again(() => patientOf(sent, itsOwn, { masks }));
    const query = queryInit(world.idFor(clinic, patient), {});
    const stream = world.reader(clinic).readSeries(query)[Symbol.asyncIterator]();
    expect((await stream.next()).value!.payload.case).toBe("start");
    expect((await stream.next()).value!.payload.case).toBe("series");
    const reading = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    await world.grant(patient, reading);
    const rest = async () => {
      for (;;) if ((await stream.next()).done) return;
    };
    expect(await reasonOf(rest())).toBe("UNDECIDED");
    const told: string[] = [];
    for await (const { payload } of world.reader(clinic).readSeries(query))
      if (payload.case === "series") told.push(payload.value.source!.deviceModel);
    expect(told.filter((model) => model !== "")).toEqual(["watch of its maker", "watch of its maker"]);
  });
});
