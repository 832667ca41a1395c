import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type FhirResource, formatJson, validate } from "@wellapi/fhir-r4";
import { type SourcedSeries, SourcedSeriesSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { TimeIntervalSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLogicalId } from "../../src/mapping/logical-id.ts";
import { seriesObservationsOf } from "../../src/mapping/series-convert.ts";
import { startOfSeriesRecord } from "../../src/mapping/series-id.ts";

const bits = "0123456789abcdefghjkmnpqrs";
const view = { patient: `pat_${bits}`, base: "https://x.example/fhir/R4" };
const at = Date.UTC(2026, 2, 1, 7);

type SeriesInit = Exclude<MessageInitShape<typeof SeriesSchema>, { $typeName: string }>;

function sourced(series: SeriesInit, device = `dev_${bits}`): SourcedSeries {
  return create(SourcedSeriesSchema, {
    series: { code: { code: "8867-4" }, unit: "/min", ...series },
    source: { organization: `org_${bits}`, deviceId: device, deviceModel: "Band" },
  });
}

function times(start: number, gapsMs: readonly number[], durationMs = 0): NonNullable<SeriesInit["times"]> {
  return {
    start: { case: "startTime", value: timestampFromMs(start) },
    utcOffsetMinutes: 120,
    spacing: { case: "gaps", value: { gapsMs: [...gapsMs] } },
    durationMs,
  };
}

const decimals = (values: string[]) => ({ case: "decimals", value: { values } }) as const;

function mapped(...found: SourcedSeries[]): FhirResource[] {
  const resources = seriesObservationsOf(view, found).map(({ resource }) => resource);
  for (const resource of resources) expect(validate(resource)).toEqual([]);
  return resources;
}

describe("samples as FHIR", () => {
  test("are SampledData where they are evenly spaced, with the digits of each", () => {
    const series: SeriesInit = {
      times: times(at, [60_000, 60_000]),
      values: { case: "decimals", value: { scale: 2, mantissas: [6000, 6150, -5] } },
    };
    expect(mapped(sourced(series))).toMatchObject([
      {
        effectivePeriod: { start: "2026-03-01T09:00:00+02:00", end: "2026-03-01T09:02:00+02:00" },
        valueSampledData: {
          origin: { value: 0, code: "/min" },
          period: 60_000,
          dimensions: 1,
          data: "60.00 61.50 -0.05",
        },
        device: { reference: `Device/${bits}.dev-${bits}` },
      },
    ]);
  });

  test("are labelled where the patient disputes them, each by itself, also where the mark comes with a later message", () => {
    const whole = sourced({ times: times(at, [60_000]), values: decimals(["60", "61"]) });
    const later = sourced({ times: times(at + 300_000, [60_000]), values: decimals(["62", "63"]) });
    later.source!.disputed.push(
      create(TimeIntervalSchema, {
        startTime: timestampFromMs(at + 360_000),
        endTime: timestampFromMs(at + 360_001),
      }),
    );
    const labels = (...found: SourcedSeries[]) =>
      mapped(...found).map(({ meta }) => JSON.stringify(meta).includes('"UNCERTREL"'));
    expect(labels(whole, later)).toEqual([false, false, false, true]);
    later.source!.disputed[0]!.startTime = timestampFromMs(at + 360_001);
    expect(labels(whole, later)).toEqual([false, false, false, false]);
  });

  test("come one by one where they are uneven, each with its own time", () => {
    const found = mapped(
      sourced({ times: times(at, [1_000, 2_000]), values: decimals(["60", "61.0", "62"]) }),
    );
    expect(found.map(({ effectiveDateTime }) => effectiveDateTime)).toEqual([
      "2026-03-01T09:00:00+02:00",
      "2026-03-01T09:00:01+02:00",
      "2026-03-01T09:00:03+02:00",
    ]);
    expect(formatJson(found[1]!)).toContain('"value":61.0');
  });

  test("of intervals that do not join come one by one, with their intervals", () => {
    const found = mapped(
      sourced({ times: times(at, [60_000, 60_000], 30_000), values: decimals(["1", "2", "3"]) }),
    );
    expect(found).toHaveLength(3);
    expect(found[0]).toMatchObject({
      effectivePeriod: { start: "2026-03-01T09:00:00+02:00", end: "2026-03-01T09:00:30+02:00" },
    });
  });

  test("of several numbers have components", () => {
    const component = (code: string, values: string[]) => ({
      code: { code },
      unit: "mm[Hg]",
      decimals: { values },
    });
    const [found] = mapped(
      sourced({
        code: { code: "85354-9" },
        unit: "",
        times: times(at, []),
        values: {
          case: "components",
          value: { components: [component("8480-6", ["120"]), component("8462-4", ["80"])] },
        },
      }),
    );
    expect(found?.component).toMatchObject([
      { code: { coding: [{ code: "8480-6" }] }, valueQuantity: { value: 120, code: "mm[Hg]" } },
      { valueQuantity: { value: 80 } },
    ]);
  });

  test("that are coded have codes", () => {
    const stages = { dictionary: [{ system: "urn:s", code: "deep" }, { code: "rem" }], indexes: [0, 1, 0] };
    const found = mapped(
      sourced({
        unit: "",
        times: times(at, [1_000, 1_000], 1_000),
        values: { case: "coded", value: stages },
      }),
    );
    expect(found.map(({ valueCodeableConcept }) => JSON.stringify(valueCodeableConcept))).toEqual([
      expect.stringContaining("deep"),
      expect.stringContaining("rem"),
      expect.stringContaining("deep"),
    ]);
  });

  test("of another day, another device or another offset are another Observation", () => {
    const across = sourced({
      times: times(Date.UTC(2026, 2, 1, 23, 58), [60_000, 60_000, 60_000, 60_000]),
      values: decimals(["1", "2", "3", "4", "5"]),
    });
    const [first, second, third] = mapped(across);
    expect([first?.valueQuantity, second?.valueQuantity, third?.valueSampledData]).toMatchObject([
      { value: 1 },
      { value: 2 },
      { data: "3 4 5" },
    ]);
    const one = { times: times(at, [1_000, 1_000]), values: decimals(["1", "2", "3"]) };
    expect(mapped(sourced(one), sourced(one, `dev_${bits.replace("0", "1")}`))).toHaveLength(2);
  });

  test("are the same wherever a message ended, and none is lost or told twice", () => {
    const sample = fc.record({ gap: fc.constantFrom(1_000, 60_000, 7_200_000), value: fc.nat(999) });
    fc.assert(
      fc.property(
        fc.array(sample, { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat(5)),
        (samples, cuts) => {
          const whole = sourced({
            times: times(
              at,
              samples.slice(1).map(({ gap }) => gap),
            ),
            values: decimals(samples.map(({ value }) => `${value}.0`)),
          });
          const parts: SourcedSeries[] = [];
          let start = at;
          for (let from = 0; from < samples.length; ) {
            const part = samples.slice(from, from + 1 + cuts.next().value);
            const gaps = part.slice(1).map(({ gap }) => gap);
            parts.push(
              sourced({ times: times(start, gaps), values: decimals(part.map(({ value }) => `${value}.0`)) }),
            );
            from += part.length;
            start += gaps.reduce((sum, gap) => sum + gap, 0) + (samples[from]?.gap ?? 0);
          }
          const found = seriesObservationsOf(view, [whole]);
          expect(seriesObservationsOf(view, parts)).toEqual(found);
          const told = found.flatMap(({ resource }) => {
            const { data } = (resource.valueSampledData ?? {}) as { data?: string };
            return data === undefined
              ? [String((resource.valueQuantity as { value: unknown }).value)]
              : data.split(" ");
          });
          expect(told).toEqual(samples.map(({ value }) => `${value}.0`));
        },
      ),
    );
  });

  test("have an id that fits into FHIR's and says where to look", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
        const one = sourced({ times: times(ms, []), values: decimals(["1"]) });
        const [found] = seriesObservationsOf(view, [one]);
        const id = found!.resource.id as string;
        expect(id).toMatch(/^[A-Za-z0-9.-]{1,64}$/);
        const { patient, record } = parseLogicalId(id)!;
        expect([patient, startOfSeriesRecord(record)]).toEqual([view.patient, ms]);
      }),
    );
  });
});
