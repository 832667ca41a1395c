import type { Columns } from "@wellapi/series";
import { describe, expect, it } from "vitest";
import type { Summary } from "../src/blocks/summary.ts";
import type { ConsentPermit } from "../src/gate/permit.ts";
import { countedIntervals } from "../src/model/buckets.ts";
import {
  aggregatePermission,
  createSeriesAggregation,
  ownPermission,
  releasedBuckets,
} from "../src/read/aggregates/aggregation.ts";

const HOUR = 3_600_000;
const hours = (...at: readonly number[]) => Float64Array.from(at, (hour) => hour * HOUR);
const span = (from: number, to: number) => ({ from: from * HOUR, to: to * HOUR });

function permit(
  fineness: ConsentPermit["fineness"],
  window = span(0, 10),
  sliding?: ConsentPermit["sliding"],
): ConsentPermit {
  return { consent: "con", version: 1, provision: 0, fineness, window, sliding };
}

describe("what consents permit of aggregates", () => {
  it.each([
    ["raw", ["minute", "hour", "day", "week", "month"]],
    ["hourly", ["hour", "day", "week", "month"]],
    ["daily", ["day", "week", "month"]],
    [undefined, []],
  ] as const)("is for %s data buckets of %j, and none that are finer", (fineness, allowed) => {
    const units = ["minute", "hour", "day", "week", "month"] as const;
    expect(units.filter((unit) => aggregatePermission([permit(fineness)], unit) !== undefined)).toEqual(
      allowed,
    );
  });

  it("is nothing without a consent", () => {
    expect(aggregatePermission([], "month")).toBeUndefined();
  });

  it("unites the windows, those of raw data apart, and leaves out what is too coarse for the buckets", () => {
    const permits = [
      permit("hourly", span(0, 2)),
      permit("raw", span(4, 6)),
      permit("raw", span(6, 7)),
      permit("daily", span(20, 30)),
      permit(undefined, span(40, 50)),
    ];
    expect(aggregatePermission(permits, "hour")).toEqual({
      raw: [span(4, 7)],
      everRaw: [span(4, 7)],
      coarse: [span(0, 2), span(4, 7)],
    });
    expect(aggregatePermission(permits, "day")!.coarse).toEqual([span(0, 2), span(4, 7), span(20, 30)]);
  });

  it("remembers from where on a sliding window has held raw data, not of coarser ones", () => {
    const sliding = { lastMs: HOUR, from: 2 * HOUR };
    const slid = aggregatePermission([permit("raw", span(8, 9), sliding)], "hour")!;
    expect(slid).toEqual({ raw: [span(8, 9)], everRaw: [span(2, 9)], coarse: [span(8, 9)] });
    expect(aggregatePermission([permit("hourly", span(8, 9), sliding)], "hour")!.everRaw).toEqual([]);
  });
});

describe("a bucket", () => {
  const nothing = { raw: [], everRaw: [], coarse: [] };
  const edges = hours(0, 1, 2, 3);
  const of = (permission: Partial<typeof nothing>, interval = span(0, 3), ended = 3 * HOUR) =>
    releasedBuckets(edges, interval, { ...nothing, ...permission } as never, "hour", ended);
  const whole = { coarse: [span(0, 3)] as never[] };

  it("is released as it stands where raw windows hold all of it, cut by the request", () => {
    const raw = { raw: [span(0, 2.5)] as never[], everRaw: [span(0, 2.5)] as never[] };
    const buckets = of(raw, span(0.5, 2.75));
    expect(buckets.released).toEqual([true, true, false]);
    expect([...buckets.counted]).toEqual([...hours(0.5, 1, 2, 2.75)]);
    expect([...buckets.edges]).toEqual([...edges]);
    expect(buckets.told).toEqual([false, false, false]);
    expect(countedIntervals(buckets)).toEqual([span(0.5, 2)]);
  });

  it("of a patient's own is released whenever it was, as fine as it is asked for", () => {
    const far = hours(-5_000_000, -4_999_999, 0, 20_000_000);
    const buckets = releasedBuckets(far, span(-5_000_000, 20_000_000), ownPermission, "minute", 0);
    expect([buckets.released, buckets.told]).toEqual([
      [true, true, true],
      [false, false, false],
    ]);
  });

  it("of which nothing is released counts nothing", () => {
    expect(countedIntervals(of(whole))).toEqual([]);
    expect(countedIntervals(of({ raw: [span(2, 3)] as never[] }))).toEqual([span(2, 3)]);
  });

  it("is told of lots where a coarser window holds all of it and it has ended", () => {
    expect(of(whole).told).toEqual([true, true, true]);
    expect(of({ coarse: [span(0.5, 2)] as never[] }).told).toEqual([false, true, false]);
    expect(of(whole, span(0, 3), 3 * HOUR - 1).told).toEqual([true, true, false]);
    expect(of(whole, span(0, 3), 0).told).toEqual([false, false, false]);
  });

  it("that the request cuts is told nothing of by lots", () => {
    expect(of(whole, { from: 1, to: 3 * HOUR }).told).toEqual([false, true, true]);
    expect(of(whole, { from: 0, to: 3 * HOUR - 1 }).told).toEqual([true, true, false]);
  });

  it("that is released raw is not told of lots besides", () => {
    const raw = [span(1, 2)] as never[];
    const buckets = of({ ...whole, raw, everRaw: raw });
    expect([buckets.released, buckets.told]).toEqual([
      [false, true, false],
      [true, false, true],
    ]);
  });

  it("of which a part was readable raw once is not told: the rest may be one sample", () => {
    const everRaw = (from: number, to: number) => ({ ...whole, everRaw: [span(from, to)] as never[] });
    expect(of(everRaw(0, 1.5)).told).toEqual([true, false, true]);
    expect(of(everRaw(1.999, 2)).told).toEqual([true, false, true]);
    expect(of(everRaw(0, 2)).told).toEqual([true, true, true]);
  });

  it("that a change of zone made short is finer than permitted: it is not told", () => {
    const short = releasedBuckets(
      hours(5, 5.5, 6.5),
      span(5, 6.5),
      { raw: [], everRaw: [], coarse: [span(5, 6.5)] },
      "hour",
      7 * HOUR,
    );
    expect(short.told).toEqual([false, true]);
  });
});

function samples(first: number, mantissas: readonly number[], unit = "/min", scale = 0): Columns {
  const times = Float64Array.from(mantissas, (_, i) => (first + i) * HOUR);
  const values = { kind: "decimal" as const, scale, mantissas: Float64Array.from(mantissas) };
  return { times, offsetMinutes: 0, durationMs: 0, unit, values };
}

function pressures(first: number, systolic: readonly number[]): Columns {
  const component = (code: string, mantissas: readonly number[]) => ({
    coding: { system: "http://loinc.org", code },
    ...{ unit: "mm[Hg]", scale: 0, mantissas: Float64Array.from(mantissas) },
  });
  const components = [
    component("8480-6", systolic),
    component(
      "8462-4",
      systolic.map((one) => one - 40),
    ),
  ];
  return { ...samples(first, systolic, ""), values: { kind: "components", components } };
}

describe("aggregates of a series", () => {
  const raw = (edges: Float64Array, from = edges[0]!, to = edges.at(-1)!) =>
    createSeriesAggregation(
      releasedBuckets(
        edges,
        { from, to },
        { raw: [{ from, to }], everRaw: [], coarse: [] },
        "hour",
        Number.POSITIVE_INFINITY,
      ),
    );
  const resultsOf = (aggregation: ReturnType<typeof raw>) =>
    aggregation.results().map(({ component, unit, buckets }) => ({
      ...(component === null ? {} : { component: component.code }),
      unit,
      buckets: [...buckets]
        .sort(([a], [b]) => a - b)
        .map(([i, { count, sum, min, max }]) => [
          i,
          count,
          sum.mantissa,
          `${min.mantissa}e-${min.scale}`,
          `${max.mantissa}e-${max.scale}`,
        ]),
    }));

  it("count each sample in the bucket in which it starts, and none outside, however they come in", () => {
    const aggregation = raw(hours(2, 4, 6, 8));
    aggregation.add(samples(0, [1, 2, 3, 4, 5]));
    aggregation.add(samples(5, [6, 7, 8, 9, 10]));
    expect(resultsOf(aggregation)).toEqual([
      {
        unit: "/min",
        buckets: [
          [0, 2, 7n, "3e-0", "4e-0"],
          [1, 2, 11n, "5e-0", "6e-0"],
          [2, 2, 15n, "7e-0", "8e-0"],
        ],
      },
    ]);
    expect(aggregation.size).toBe(3);
  });

  it("have nothing of a bucket between two samples that holds none", () => {
    const aggregation = raw(hours(0, 2, 4, 6));
    const apart = samples(0, [1, 2]);
    aggregation.add({ ...apart, times: hours(1, 5) });
    expect(resultsOf(aggregation)[0]!.buckets.map(([i, count]) => [i, count])).toEqual([
      [0, 1],
      [2, 1],
    ]);
    expect(aggregation.size).toBe(2);
  });

  it("are none of samples that end before the first bucket, begin with the end of the last, or lie beyond", () => {
    const aggregation = raw(hours(2, 4));
    aggregation.add(samples(0, [1, 2]));
    aggregation.add(samples(4, [1]));
    aggregation.add(samples(9, [1]));
    expect([aggregation.results(), aggregation.size]).toEqual([[], 0]);
  });

  it("leave out buckets that are not released", () => {
    const edges = hours(0, 2, 4, 6);
    const windows = [span(0, 2), span(4, 6)];
    const permission = { raw: windows, everRaw: windows, coarse: [] };
    const aggregation = createSeriesAggregation(releasedBuckets(edges, span(0, 6), permission, "hour", 0));
    aggregation.add(samples(0, [1, 2, 3, 4, 5, 6]));
    expect(resultsOf(aggregation)[0]!.buckets.map(([i, count]) => [i, count])).toEqual([
      [0, 2],
      [2, 2],
    ]);
    const withheld = createSeriesAggregation(releasedBuckets(edges, span(0, 6), permission, "hour", 0));
    withheld.add(samples(2, [3, 4]));
    expect(withheld.results()).toEqual([]);
  });

  it("keep units and components apart, and count the buckets of all", () => {
    const aggregation = raw(hours(0, 2, 4));
    aggregation.add(samples(0, [60, 61]));
    aggregation.add(samples(1, [1], "Hz"));
    aggregation.add(pressures(2, [120, 130]));
    aggregation.add(pressures(3, [140]));
    expect(resultsOf(aggregation)).toEqual([
      { unit: "/min", buckets: [[0, 2, 121n, "60e-0", "61e-0"]] },
      { unit: "Hz", buckets: [[0, 1, 1n, "1e-0", "1e-0"]] },
      { component: "8480-6", unit: "mm[Hg]", buckets: [[1, 3, 390n, "120e-0", "140e-0"]] },
      { component: "8462-4", unit: "mm[Hg]", buckets: [[1, 3, 270n, "80e-0", "100e-0"]] },
    ]);
    expect(aggregation.size).toBe(4);
  });

  it("take hours of a summary for the samples that they are of", () => {
    const part = (coding: null | { system: string; code: string }, unit: string) => ({
      coding,
      unit,
      scale: 1,
      sums: Float64Array.of(10, 200, 300, 40),
      minima: Float64Array.of(1, 50, 20, 30),
      maxima: Float64Array.of(9, 60, 90, 80),
    });
    const summary: Summary = {
      source: {
        ...{ organization: "o", application: "a", device: "d", model: "m", method: 1, granularity: 1 },
      },
      starts: hours(0, 1, 2, 3),
      counts: Float64Array.of(2, 4, 8, 16),
      sequences: Float64Array.of(1, 1, 1, 1),
      overhang: 0,
      parts: [part(null, "/min"), part({ system: "s", code: "8480-6" }, "mm[Hg]")],
    };
    const whole = raw(hours(0, 4));
    whole.addHours(summary, 0, 0, 4);
    expect(resultsOf(whole)[0]!.buckets).toEqual([[0, 30, 550n, "1e-1", "90e-1"]]);
    const middle = raw(hours(0, 1, 4));
    middle.addHours(summary, 1, 1, 4);
    expect(resultsOf(middle)[0]!.buckets).toEqual([[1, 28, 540n, "20e-1", "90e-1"]]);
    const aggregation = raw(hours(0, 1, 3, 4));
    aggregation.addHours(summary, 0, 0, 1);
    aggregation.addHours(summary, 1, 1, 3);
    expect(resultsOf(aggregation)).toEqual([
      {
        unit: "/min",
        buckets: [
          [0, 2, 10n, "1e-1", "9e-1"],
          [1, 12, 500n, "20e-1", "90e-1"],
        ],
      },
      {
        component: "8480-6",
        unit: "mm[Hg]",
        buckets: [
          [0, 2, 10n, "1e-1", "9e-1"],
          [1, 12, 500n, "20e-1", "90e-1"],
        ],
      },
    ]);
    aggregation.addHours(summary, 2, 3, 4);
    aggregation.add(samples(3, [100]));
    expect(resultsOf(aggregation)[0]!.buckets.at(-1)).toEqual([2, 17, 1040n, "30e-1", "100e-0"]);
  });
});
