/** What the patient disputes is told marked in every answer, and nowhere else. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { earliestTime, latestTime } from "@wellapi/enforcer";
import type { Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Purpose, type TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { condition, everything, store } from "./clinical/clinical-scene.ts";
import { everyAnswer, HOUR, openSenders, type Senders, T0, watchSources } from "./every-answer.ts";
import { HEART_RATE, queryInit } from "./world.ts";

const MINUTE = 60_000;
const ALL = { from: earliestTime, to: latestTime };

const told = ({ startTime, endTime }: TimeInterval) => [
  timestampMs(startTime!) - T0,
  timestampMs(endTime!) - T0,
];
const marksOf = (sources: Iterable<Source | undefined>) =>
  [...sources].flatMap((source) => (source?.disputed ?? []).map(told));

describe("disputed data", () => {
  it("is marked in every answer, of its contributor and device alone, as far as the reader sees it", async () => {
    const scene = await openSenders();
    const { maker, watch, dispute } = scene;
    const nothing = await everyAnswer(scene, marksOf);
    expect(Object.values(nothing).flat(3)).toEqual([]);
    await dispute({ organization: maker.organization, to: T0 + 90_000 });
    // Each says it of what it tells, and no more: of the run, the hour, the one time.
    const run = [0, 90_000];
    const first = [[0, 1]];
    expect(await everyAnswer(scene, marksOf)).toEqual({
      streamed: [run],
      listed: [run, run],
      aggregated: [run],
      merged: expect.arrayContaining([run]),
      paged: [run],
      days: [run],
      observed: [first, []],
      single: first,
    });
    await dispute(
      { organization: watch.organization },
      { organization: maker.organization, device: "dev_none" },
    );
    expect(await everyAnswer(scene, marksOf)).toMatchObject({
      streamed: [[0, 2 * MINUTE + 1]],
      observed: [[], []],
    });
    await dispute();
    expect(await everyAnswer(scene, marksOf)).toEqual(nothing);
  });

  it("says nothing of what the reader may not see, and nothing to the patient, who has the requests", async () => {
    const scene = await openSenders({ from: T0 + MINUTE, to: T0 + 2 * MINUTE });
    const { world, clinic, patient, maker, dispute } = scene;
    await dispute({ organization: maker.organization });
    const { series } = await world.reader(clinic).querySeries(queryInit(world.idFor(clinic, patient), {}));
    expect(marksOf(series.map(({ source }) => source))).toEqual([[MINUTE, MINUTE + 1]]);
    // A series that reaches over a gap between what the reader may see says nothing of the gap.
    const later = { from: T0 + 3 * HOUR, to: T0 + 4 * HOUR };
    const reading = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    await world.grant(patient, { ...reading, window: later });
    await scene.send(maker, "m3", later.from);
    await dispute({ organization: maker.organization, from: T0 + HOUR, to: T0 + 2 * HOUR });
    const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
    const { series: listed } = await world.reader(clinic).listSeries(about);
    expect(listed.map(({ span }) => timestampMs(span!.endTime!))).toContain(later.from + 2 * MINUTE + 1);
    expect(marksOf(listed.map(({ source }) => source))).toEqual([]);
    await dispute({ organization: maker.organization, to: T0 + MINUTE });
    expect(marksOf((await readSources(scene)).values())).toEqual([]);
    await dispute({ organization: maker.organization });
    const own = { ...queryInit(world.ownId(patient), {}), purpose: Purpose.PATIENT_REQUEST };
    expect(marksOf((await world.own(patient).querySeries(own)).series.map(({ source }) => source))).toEqual(
      [],
    );
  });

  it("is marked in a watch from the dispute on, and in the preview of who reads it", async () => {
    const scene = await openSenders();
    const { world, patient, maker, consent, send, dispute } = scene;
    const next = await watchSources(scene, marksOf);
    await send(maker, "m3", T0 + 2 * HOUR);
    expect(await next()).toEqual([]);
    await dispute({ organization: maker.organization });
    await send(maker, "m4", T0 + 3 * HOUR);
    expect(await next()).toEqual([[3 * HOUR, 3 * HOUR + 2 * MINUTE + 1]]);
    await dispute(...[maker, scene.watch].map(({ organization }) => ({ organization })));
    const view = { case: "consent" as const, value: consent };
    const asked = { patient: world.ownId(patient), purpose: Purpose.TREATMENT, view };
    const { kinds } = await world.previews(patient).previewReads(asked);
    const heart = kinds.find(({ code }) => code!.code === HEART_RATE)!;
    expect(heart.firstSamples.map(({ source }) => source!.disputed.length)).toEqual([1]);
  });

  it("is marked where it is a clinical record: one, or those of some days, and each version of it", async () => {
    const scene = await openSenders(ALL);
    const { world, clinic, patient, maker, watch, dispute } = scene;
    const hospital = { ...scene, hospital: maker };
    const of = (code: string, onsetDateTime?: string) => condition(hospital, code, { onsetDateTime }, maker);
    await store(hospital, of("J45.20", "2016-04-12"), maker);
    await store(hospital, of("J45.21"), maker);
    const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
    const client = world.clinical(clinic);
    const listed = async () => (await client.listClinicalRecords(about)).records;
    const marks = async () => (await listed()).map(({ disputed }) => disputed).sort();
    expect(await marks()).toEqual([false, false]);
    await dispute({ organization: maker.organization, from: T0 - 12 * HOUR, to: T0 + 24 * HOUR });
    const dated = (await listed()).find(({ disputed }) => disputed)!;
    expect([JSON.parse(dated.resource).onsetDateTime, await marks()]).toEqual(["2016-04-12", [false, true]]);
    await dispute({ organization: maker.organization });
    expect(await marks()).toEqual([true, true]);
    for (const other of [
      { organization: watch.organization },
      { organization: maker.organization, device: "dev_1" },
    ]) {
      await dispute(other);
      expect(await marks()).toEqual([false, false]);
    }
    await dispute({ organization: maker.organization, record: world.innerId(clinic, dated.id) });
    expect((await listed()).filter(({ disputed }) => disputed).map(({ id }) => id)).toEqual([dated.id]);
    const { record } = await client.getClinicalRecord({ ...about, record: dated.id });
    const { versions } = await client.listClinicalRecordVersions({ ...about, record: dated.id });
    expect([record!.disputed, ...versions.map(({ disputed }) => disputed)]).toEqual([true, true]);
    expect(marksOf((await readSources(scene)).values())).toEqual([]);
  });
});

async function readSources({ world, clinic, patient }: Senders): Promise<Set<Source | undefined>> {
  const { series } = await world.reader(clinic).querySeries(queryInit(world.idFor(clinic, patient), {}));
  return new Set(series.map(({ source }) => source));
}
