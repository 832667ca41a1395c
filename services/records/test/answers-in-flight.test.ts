import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { leavesCollection } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openScene,
  queryInit,
  reasonOf,
  samplesOf,
  WEIGHT,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Scene = Awaited<ReturnType<typeof openReads>>;

/** A scene with two hours of heart rates and one weight. */
async function openReads(terms: Parameters<typeof openScene>[0] = {}) {
  const scene = await openScene(terms);
  const { world, maker, clinic, patient } = scene;
  await append(scene, "r1", [
    heartRates(
      T0,
      Array.from({ length: 120 }, () => 70),
    ),
  ]);
  const weight = {
    code: { code: WEIGHT },
    effective: { case: "effectiveTime" as const, value: timestampFromMs(T0) },
    utcOffsetMinutes: 0,
    value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
  };
  const batch = { requestId: "r2", patient: world.idFor(maker, patient), observations: [weight] };
  await world.writer(maker).appendObservations({ batch });
  const about = queryInit(world.idFor(clinic, patient), { from: T0, to: T0 + 2 * HOUR });
  const reader = world.reader(clinic);
  const listed = await reader.listObservations({ ...about, code: { code: WEIGHT } });
  const observation = listed.observations[0]!.id;
  const reads = {
    QuerySeries: () => reader.querySeries(about),
    AggregateSeries: () => reader.aggregateSeries({ ...about, bucketSize: BucketSize.HOUR }),
    ListObservations: () => reader.listObservations({ ...about, code: { code: WEIGHT } }),
    GetObservation: () => reader.getObservation({ ...about, observation }),
  };
  return { ...scene, reads, reader, about };
}

const methods = ["QuerySeries", "AggregateSeries", "ListObservations", "GetObservation"] as const;

/** Accesses by the method, oldest first. Those of one millisecond reach the log in any order: their ids are random. */
async function accessesBy({ world }: Scene, method: string) {
  return (await world.accesses())
    .filter((access) => access.method.endsWith(`/${method}`))
    .sort((a, b) => timestampMs(a.time!) - timestampMs(b.time!) || a.phase - b.phase);
}

/** What the log has of the method. */
async function entries(scene: Scene, method: string) {
  return (await accessesBy(scene, method)).map(({ phase, outcome, reason, items, consents }) => ({
    phase: Access_Phase[phase],
    outcome: Access_Outcome[outcome],
    ...(reason === "" ? {} : { reason }),
    items: Number(items),
    consents: consents.map(({ consent }) => consent),
  }));
}

/** Runs once, when the read has begun to look for blocks: after it was decided. */
function whileReading({ world: { store } }: Scene, run: () => Promise<void>): void {
  store.scanning = async (collection) => {
    if (!["blocks", "series", "observation_blocks"].includes(collection)) return;
    delete store.scanning;
    await run();
  };
}

/** Runs once, when the read's entry is on disk and its answer has not left. */
function betweenEntryAndAnswer({ world: { store } }: Scene, run: () => Promise<void>): void {
  store.committed = async ({ changes }) => {
    if (!changes.some(({ kind, collection }) => kind === "insert" && collection === leavesCollection.name))
      return;
    delete store.committed;
    await run();
  };
}

describe("a unary read under way", () => {
  it.each(methods.filter((method) => method !== "GetObservation"))(
    "%s is refused where its consent is revoked after it was decided, and the log knows of no release",
    async (method) => {
      const scene = await openReads();
      const { world, reads, consent } = scene;
      const before = (await entries(scene, method)).length;
      whileReading(scene, () => world.consent.revoke(consent));
      expect(await reasonOf(reads[method]())).toBe("CONSENT_REQUIRED");
      expect((await entries(scene, method)).slice(before)).toEqual([
        { phase: "CALL", outcome: "DENIED", reason: "CONSENT_REVOKED", items: 0, consents: [] },
      ]);
    },
  );

  it.each(methods)(
    "%s is withheld where its consent is revoked between its entry and its answer",
    async (method) => {
      const scene = await openReads();
      const { world, reads, consent } = scene;
      const before = (await entries(scene, method)).length;
      betweenEntryAndAnswer(scene, () => world.consent.revoke(consent));
      expect(await reasonOf(reads[method]())).toBe("CONSENT_REQUIRED");
      const [first, second, ...more] = (await entries(scene, method)).slice(before);
      expect(first).toMatchObject({ phase: "CALL", outcome: "PERMITTED", consents: [consent] });
      expect(second).toMatchObject({
        phase: "CLOSED",
        outcome: "DENIED",
        reason: "CONSENT_REVOKED",
        items: 0,
      });
      expect(more).toEqual([]);
      const [opening, closing] = (await accessesBy(scene, method)).slice(before);
      expect(closing!.openedBy).toBe(opening!.id);
    },
  );

  it.each(["reading", "logged"] as const)(
    "goes on under the consent that is left of two, and releases what that one permits alone (%s)",
    async (when) => {
      const scene = await openReads({ window: { from: T0, to: T0 + HOUR } });
      const { world, patient, clinic, reads, consent } = scene;
      const other = await world.grant(patient, {
        organization: clinic.organization,
        direction: Direction.READ,
        codes: [HEART_RATE],
        window: { from: T0 + 30 * MINUTE, to: T0 + HOUR + 15 * MINUTE },
      });
      const change = when === "reading" ? whileReading : betweenEntryAndAnswer;
      change(scene, () => world.consent.revoke(consent));
      const { series } = await reads.QuerySeries();
      const times = series.flatMap((one) => samplesOf(one.series!)).map(([time]) => time);
      expect([times[0], times.at(-1)]).toEqual([T0 + 30 * MINUTE, T0 + HOUR + 14 * MINUTE]);
      const seen = await entries(scene, "QuerySeries");
      expect(seen.at(-1)).toEqual({ phase: "CALL", outcome: "PERMITTED", items: 45, consents: [other] });
      if (when === "reading") expect(seen).toHaveLength(1);
      else
        expect(seen.map(({ phase, items }) => [phase, items])).toEqual([
          ["CALL", 75],
          ["CLOSED", 0],
          ["CALL", 45],
        ]);
    },
  );

  it("is left alone by a new consent, and by what other organizations lose", async () => {
    const scene = await openReads();
    const { world, patient, reads } = scene;
    const stranger = application();
    const theirs = await world.grant(patient, {
      organization: stranger.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
    });
    whileReading(scene, async () => {
      await world.consent.revoke(theirs);
      await world.grant(patient, {
        organization: stranger.organization,
        direction: Direction.READ,
        codes: [HEART_RATE],
      });
    });
    await reads.QuerySeries();
    const asked = world.consent.state.asked;
    whileReading(scene, async () => {
      await world.grant(patient, {
        organization: stranger.organization,
        direction: Direction.READ,
        codes: [HEART_RATE],
      });
    });
    await reads.QuerySeries();
    expect(world.consent.state.asked - asked).toBe(1); // at its beginning, because of the grant before
    expect((await entries(scene, "QuerySeries")).map(({ items }) => items)).toEqual([120, 120]);
  });

  it("of several codes is decided again by one question to the consent service", async () => {
    const scene = await openReads();
    const { world, patient, clinic, reader, about } = scene;
    const other = await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: [WEIGHT],
      purposes: [Purpose.RESEARCH],
    });
    const { state } = world.consent;
    let before = { ...state };
    betweenEntryAndAnswer(scene, async () => {
      await world.consent.revoke(other);
      before = { ...state };
    });
    const { code: _, ...ofAllCodes } = about;
    expect((await reader.listObservations(ofAllCodes)).observations).toHaveLength(1);
    // Those that were permitted: all but steps.
    expect(state.asked - before.asked).toBe(4);
    expect(state.calls - before.calls).toBe(1);
  });

  it("of a patient's own data stands where a consent is revoked under it, and is withheld where they are erased", async () => {
    const scene = await openReads();
    const { world, patient, consent, about } = scene;
    const own = { ...about, patient: world.ownId(patient), purpose: Purpose.PATIENT_REQUEST };
    const read = () => world.own(patient).querySeries(own);
    const erase = () => world.own(patient).erasePatient({ patient: world.ownId(patient) });
    whileReading(scene, () => world.consent.revoke(consent));
    expect((await read()).series).toHaveLength(1);
    betweenEntryAndAnswer(scene, async () => void (await erase()));
    expect(await reasonOf(read())).toBe("CONSENT_REQUIRED");
    const seen = await entries(scene, "QuerySeries");
    expect(seen.map(({ phase, outcome, items }) => [phase, outcome, items])).toEqual([
      ["CALL", "PERMITTED", 120],
      ["CALL", "PERMITTED", 120],
      ["CLOSED", "DENIED", 0],
    ]);
  });

  it("asks the caller to come again where consent changes under it again and again", async () => {
    const scene = await openReads();
    const { world, patient, clinic, reads } = scene;
    const terms = { organization: clinic.organization, direction: Direction.READ, codes: [HEART_RATE] };
    let latest = scene.consent;
    world.store.scanning = async (collection) => {
      if (collection !== "series") return;
      const next = await world.grant(patient, terms);
      await world.consent.revoke(latest);
      latest = next;
    };
    expect(await reasonOf(reads.QuerySeries())).toBe("UNDECIDED");
    expect((await entries(scene, "QuerySeries")).map(({ outcome }) => outcome)).toEqual(["UNDECIDED"]);
  });
});

describe("a stream under way", () => {
  it("stops sending what one of two consents permitted once that one is revoked, and goes on under the other", async () => {
    const scene = await openScene({ window: { from: T0, to: T0 + 25_000_000 } });
    const { world, patient, clinic, consent } = scene;
    await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
      window: { from: T0 + 45_000_000, to: T0 + 50_000_000 },
    });
    await append(scene, "r1", [
      heartRates(
        T0,
        Array.from({ length: 50_000 }, () => 70),
        1_000,
      ),
    ]);
    const offsets: number[] = [];
    const about = queryInit(world.idFor(clinic, patient), {});
    for await (const { payload } of world.reader(clinic).readSeries(about)) {
      if (payload.case !== "series") continue;
      offsets.push(...samplesOf(payload.value.series!).map(([time]) => time - T0));
      if (offsets.length === 10_000) await world.consent.revoke(consent);
    }
    expect(offsets.filter((offset) => offset < 25_000_000)).toHaveLength(10_000);
    expect(offsets.filter((offset) => offset >= 45_000_000)).toHaveLength(5_000);
    expect(offsets).toHaveLength(15_000);
  });

  it("is decided before each message of a watch, also where one batch makes several", async () => {
    const scene = await openScene();
    const { world, patient, clinic, consent } = scene;
    const watch = world
      .reader(clinic)
      .watchSeries({
        patient: world.idFor(clinic, patient),
        codes: [{ code: HEART_RATE }],
        purpose: Purpose.TREATMENT,
      })
      [Symbol.asyncIterator]();
    await watch.next();
    const first = watch.next();
    await append(scene, "r1", [
      heartRates(
        T0,
        Array.from({ length: 25_000 }, () => 70),
        1_000,
      ),
    ]);
    expect((await first).value!.payload.case).toBe("series");
    await world.consent.revoke(consent);
    expect(await reasonOf(watch.next())).toBe("CONSENT_REVOKED");
  });
});
