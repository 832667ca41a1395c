import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeSeriesBatch } from "../src/batch.ts";
import { FUTURE_SKEW_MS } from "../src/limits.ts";
import { judgeSeries, type Series } from "../src/series.ts";
import {
  anySeries,
  codedSeries,
  componentSeries,
  NOW,
  quantitySeries,
  type SeriesOf,
  ZONE,
} from "./arbitraries.ts";

const DAY = 86_400_000;

/** What is told of a batch: fields and reasons, by item. */
function told(items: readonly Series[], timeZone = ZONE) {
  const { rejections } = judgeSeriesBatch({ timeZone, items }, NOW);
  return rejections.map(({ index, violations }) => ({
    index,
    violations: violations.map(({ field, reason }) => `${field} ${reason}`),
  }));
}

function violationsOf(series: Series, timeZone = ZONE) {
  return judgeSeries(series, { now: NOW, timeZone }).violations.map(
    ({ field, reason }) => `${field} ${reason}`,
  );
}

interface Mutation<S extends Series> {
  readonly from: fc.Arbitrary<S>;
  /** The series, broken at (or near) a position. */
  readonly breakAt: (series: S, position: number) => Series;
  /** Field from the series, and reason. */
  readonly says: (series: S, position: number) => string;
}

function mutation<S extends Series>(
  from: fc.Arbitrary<S>,
  breakAt: Mutation<S>["breakAt"],
  says: string | Mutation<S>["says"],
): Mutation<Series> {
  const mutation: Mutation<S> = { from, breakAt, says: typeof says === "string" ? () => says : says };
  return mutation as unknown as Mutation<Series>;
}

const withTimes = (series: Series, times: Partial<Series["times"]>): Series => ({
  ...series,
  times: { ...series.times, ...times },
});
const instant = (ms: number) => ({ kind: "instant" as const, seconds: Math.floor(ms / 1_000), nanos: 0 });
const replaced = <T>(list: readonly T[], position: number, entry: T): T[] =>
  list.with(position % list.length, entry);

const gaps = (series: Series) =>
  series.times.spacing.kind === "gaps" ? series.times.spacing.gapsMs : ([] as readonly number[]);
const withGaps = quantitySeries.filter(({ times }) => times.spacing.kind === "gaps");
const wide = quantitySeries.filter(({ values }) => values.wideMantissas.length > 0);
const narrow = quantitySeries.filter(({ values }) => values.mantissas.length > 0);
const atInstant = anySeries.filter(({ times }) => times.start.kind === "instant");
const atLocal = anySeries.filter(({ times }) => times.start.kind === "local");

const component = (series: SeriesOf<"components">, index: number, change: object): Series => ({
  ...series,
  values: {
    kind: "components",
    components: replaced(series.values.components, index, {
      ...series.values.components[index % 2]!,
      ...change,
    }),
  },
});

const mutations: Record<string, Mutation<Series>> = {
  "no samples": mutation(narrow, (s) => ({ ...s, values: { ...s.values, mantissas: [] } }), " SERIES_EMPTY"),
  "a gap too few": mutation(
    withGaps,
    (s) => withTimes(s, { spacing: { kind: "gaps", gapsMs: gaps(s).slice(1) } }),
    ".times.gaps.gaps_ms LENGTH_MISMATCH",
  ),
  "a gap too many": mutation(
    withGaps,
    (s) => withTimes(s, { spacing: { kind: "gaps", gapsMs: [...gaps(s), 1] } }),
    ".times.gaps.gaps_ms LENGTH_MISMATCH",
  ),
  "a value of a component too few": mutation(
    componentSeries,
    (s, i) =>
      component(s, i, {
        mantissas: s.values.components[i % 2]!.mantissas.slice(1),
        wideMantissas: s.values.components[i % 2]!.wideMantissas.slice(1),
      }),
    (s, i) => {
      const { wideMantissas } = s.values.components[i % 2]!;
      const column = wideMantissas.length > 1 ? "wide_mantissas" : "mantissas";
      return `.components.components[${i % 2}].decimals.${column} LENGTH_MISMATCH`;
    },
  ),
  "a gap of zero": mutation(
    withGaps,
    (s, i) => withTimes(s, { spacing: { kind: "gaps", gapsMs: replaced(gaps(s), i, 0) } }),
    (s, i) => `.times.gaps.gaps_ms[${i % gaps(s).length}] GAP_ZERO`,
  ),
  "a span of 31 days": mutation(
    anySeries,
    (s) => {
      const spacing = s.times.spacing.kind;
      return spacing === "gaps"
        ? withTimes(s, { spacing: { kind: "gaps", gapsMs: replaced(gaps(s), 0, 31 * DAY) } })
        : withTimes(s, { spacing: { kind: "period", periodMs: 31 * DAY } });
    },
    ".times SERIES_TOO_LONG",
  ),
  "a duration of more than 31 days": mutation(
    anySeries,
    (s) => withTimes(s, { durationMs: 31 * DAY + 1 }),
    ".times.duration_ms DURATION_TOO_LONG",
  ),
  "a start before 1900": mutation(
    atInstant,
    (s, i) => withTimes(s, { start: instant(Date.UTC(1900, 0, 1) - 1 - i * DAY) }),
    ".times.start_time TIME_BEFORE_1900",
  ),
  "a start in the future": mutation(
    atInstant,
    (s, i) => withTimes(s, { start: instant(NOW + FUTURE_SKEW_MS + 1_000 + i * DAY) }),
    ".times.start_time TIME_IN_FUTURE",
  ),
  "a start beyond all dates": mutation(
    atInstant,
    (s) => withTimes(s, { start: { kind: "instant", seconds: 2 ** 63, nanos: 0 } }),
    ".times.start_time TIME_IN_FUTURE",
  ),
  "a microsecond": mutation(
    atInstant,
    (s) => withTimes(s, { start: { kind: "instant", seconds: 0, nanos: 1_000 } }),
    ".times.start_time TIME_TOO_FINE",
  ),
  "nanoseconds of more than a second": mutation(
    atInstant,
    (s) => withTimes(s, { start: { kind: "instant", seconds: 0, nanos: 1_000_000_000 } }),
    ".times.start_time TIME_INVALID",
  ),
  "negative nanoseconds": mutation(
    atInstant,
    (s) => withTimes(s, { start: { kind: "instant", seconds: 0, nanos: -1_000_000 } }),
    ".times.start_time TIME_INVALID",
  ),
  "an offset beside a local time": mutation(
    atLocal,
    (s) => withTimes(s, { offsetMinutes: 120 }),
    ".times.utc_offset_minutes OFFSET_WITH_LOCAL_TIME",
  ),
  "a local time that the clocks skipped": mutation(
    atLocal,
    (s) => withTimes(s, { start: { kind: "local", text: "2016-03-27T02:30:00" } }),
    ".times.local_start_time LOCAL_TIME_SKIPPED",
  ),
  "a 30th of February": mutation(
    atLocal,
    (s) => withTimes(s, { start: { kind: "local", text: "2016-02-30T00:00:00" } }),
    ".times.local_start_time TIME_INVALID",
  ),
  "a change of the clocks within": mutation(
    atLocal.filter(({ times }) => times.spacing.kind === "period"),
    (s) =>
      withTimes(s, {
        start: { kind: "local", text: "2016-03-27T01:59:59" },
        spacing: { kind: "period", periodMs: 1_000 },
      }),
    ".times OFFSET_CHANGES_WITHIN",
  ),
  "a wide mantissa of 54 bits": mutation(
    wide,
    (s, i) => {
      const mantissa = (i % 2 === 0 ? 1n : -1n) * 2n ** 53n;
      return {
        ...s,
        values: { ...s.values, wideMantissas: replaced(s.values.wideMantissas, i, mantissa) },
      };
    },
    (s, i) => `.decimals.wide_mantissas[${i % s.values.wideMantissas.length}] VALUE_OUT_OF_RANGE`,
  ),
  "a scale of 10": mutation(
    quantitySeries,
    (s) => ({ ...s, values: { ...s.values, scale: 10 } }),
    ".decimals.scale SCALE_OUT_OF_RANGE",
  ),
  "a code that nobody knows": mutation(
    anySeries,
    (s) => ({ ...s, coding: { system: "", code: "1234-5" } }),
    ".code CODE_UNKNOWN",
  ),
  "a code of another system": mutation(
    anySeries,
    (s) => ({ ...s, coding: { ...s.coding, system: "http://snomed.info/sct" } }),
    ".code CODE_UNKNOWN",
  ),
  "a component's code": mutation(
    quantitySeries,
    (s) => ({ ...s, coding: { system: "", code: "8480-6" } }),
    ".code CODE_IS_COMPONENT",
  ),
  "numbers for a coded code": mutation(
    quantitySeries,
    (s) => ({ ...s, coding: { system: "", code: "85354-9" } }),
    ".decimals VALUE_WRONG_KIND",
  ),
  "coded values for a number's code": mutation(
    codedSeries,
    (s) => ({ ...s, coding: { system: "", code: "8867-4" } }),
    ".coded VALUE_WRONG_KIND",
  ),
  "a unit that is none": mutation(quantitySeries, (s) => ({ ...s, unit: "bpm" }), ".unit UNIT_UNKNOWN"),
  "no unit": mutation(quantitySeries, (s) => ({ ...s, unit: "" }), ".unit UNIT_UNKNOWN"),
  "a unit of another dimension": mutation(
    quantitySeries,
    (s) => ({ ...s, unit: "cd" }),
    ".unit UNIT_WRONG_DIMENSION",
  ),
  "a unit where there is none": mutation(
    codedSeries,
    (s) => ({ ...s, unit: "min" }),
    ".unit UNIT_WRONG_DIMENSION",
  ),
  "a coded value outside the set": mutation(
    codedSeries,
    (s, i) => ({
      ...s,
      values: {
        ...s.values,
        dictionary: replaced(s.values.dictionary, i, { ...s.values.dictionary[0]!, code: "dreaming" }),
      },
    }),
    (s, i) => `.coded.dictionary[${i % s.values.dictionary.length}] CODED_VALUE_UNKNOWN`,
  ),
  "a coded value without its system": mutation(
    codedSeries,
    (s, i) => ({
      ...s,
      values: {
        ...s.values,
        dictionary: replaced(s.values.dictionary, i, { system: "", code: "light" }),
      },
    }),
    (s, i) => `.coded.dictionary[${i % s.values.dictionary.length}] CODED_VALUE_UNKNOWN`,
  ),
  "an index outside the dictionary": mutation(
    codedSeries,
    (s, i) => ({
      ...s,
      values: { ...s.values, indexes: replaced(s.values.indexes, i, s.values.dictionary.length) },
    }),
    (s, i) => `.coded.indexes[${i % s.values.indexes.length}] INDEX_OUT_OF_RANGE`,
  ),
  "a foreign component": mutation(
    componentSeries,
    (s, i) => component(s, i, { coding: { system: "", code: "8867-4" } }),
    (_, i) => `.components.components[${i % 2}].code COMPONENT_UNKNOWN`,
  ),
  "a component of another system": mutation(
    componentSeries,
    (s, i) => component(s, i, { coding: { system: "urn:x", code: s.values.components[i % 2]!.coding.code } }),
    (_, i) => `.components.components[${i % 2}].code COMPONENT_UNKNOWN`,
  ),
  "the same component twice": mutation(
    componentSeries,
    (s) => component(s, 1, { coding: s.values.components[0]!.coding }),
    ".components.components[1].code COMPONENT_REPEATED",
  ),
  "a component left out": mutation(
    componentSeries,
    (s, i) => ({ ...s, values: { kind: "components", components: [s.values.components[i % 2]!] } }),
    ".components.components COMPONENT_MISSING",
  ),
  "a component's unit of another dimension": mutation(
    componentSeries,
    (s, i) => component(s, i, { unit: "kg" }),
    (_, i) => `.components.components[${i % 2}].unit UNIT_WRONG_DIMENSION`,
  ),
};

describe("a batch of series", () => {
  it("finds nothing wrong with good series, and resolves their local times", () => {
    fc.assert(
      fc.property(fc.array(anySeries, { minLength: 1, maxLength: 5 }), (items) => {
        const findings = judgeSeriesBatch({ timeZone: ZONE, items }, NOW);
        expect(findings.rejections).toEqual([]);
        const locals = items.flatMap(({ times: { start } }, index) =>
          start.kind === "local"
            ? [{ index, timeMs: Date.parse(`${start.text}+02:00`), offsetMinutes: 120 }]
            : [],
        );
        expect(findings.resolvedTimes).toEqual(locals);
      }),
      { numRuns: 200 },
    );
  });

  it.each(Object.entries(mutations))("tells exactly what is wrong, of that item alone: %s", (_, mutation) => {
    const neighbours = fc.array(anySeries, { maxLength: 3 });
    fc.assert(
      fc.property(mutation.from, fc.nat(30), neighbours, neighbours, (series, position, before, after) => {
        const broken = mutation.breakAt(series, position);
        expect(told([...before, broken, ...after])).toEqual([
          {
            index: before.length,
            violations: [`series[${before.length}]${mutation.says(series, position)}`],
          },
        ]);
      }),
      { numRuns: 30 },
    );
  });
});

describe("the edges", () => {
  const series: Series = {
    coding: { system: "", code: "8867-4" },
    unit: "/min",
    times: {
      start: instant(NOW - DAY),
      offsetMinutes: 60,
      spacing: { kind: "period", periodMs: 60_000 },
      durationMs: 0,
    },
    values: { kind: "quantity", scale: 0, mantissas: [60, 61, 62], wideMantissas: [] },
  };
  const limit = NOW + FUTURE_SKEW_MS;

  it("takes times until ten minutes after now, and names the sample that is later", () => {
    const from = (ms: number) => withTimes(series, { start: instant(ms) });
    expect(violationsOf(from(limit - 120_000))).toEqual([]);
    expect(violationsOf(from(limit - 119_000))).toEqual(["times.period_ms TIME_IN_FUTURE"]);
    const irregular = (last: number) =>
      withTimes(from(limit - 2_000), { spacing: { kind: "gaps", gapsMs: [1_000, last] } });
    expect(violationsOf(irregular(1_000))).toEqual([]);
    expect(violationsOf(irregular(1_001))).toEqual(["times.gaps.gaps_ms[1] TIME_IN_FUTURE"]);
  });

  it("takes 1900 from its first instant on", () => {
    expect(violationsOf(withTimes(series, { start: instant(Date.UTC(1900, 0, 1)) }))).toEqual([]);
  });

  it("takes a span one millisecond short of 31 days", () => {
    const spacing = (last: number) => ({ kind: "gaps" as const, gapsMs: [1, last] });
    const early = withTimes(series, { start: instant(0) });
    expect(violationsOf(withTimes(early, { spacing: spacing(31 * DAY - 2) }))).toEqual([]);
    expect(violationsOf(withTimes(early, { spacing: spacing(31 * DAY - 1) }))).toEqual([
      "times SERIES_TOO_LONG",
    ]);
  });

  it("asks for a zone where a local time has none", () => {
    const local = withTimes(series, {
      start: { kind: "local", text: "2016-04-12T08:00:00" },
      offsetMinutes: 0,
    });
    expect(violationsOf(local, "")).toEqual(["times.local_start_time TIME_ZONE_REQUIRED"]);
  });

  it("counts what else is wrong in a column instead of listing it", () => {
    const times = { ...series.times, spacing: { kind: "gaps" as const, gapsMs: [0, 0] } };
    const { violations } = judgeSeries({ ...series, times }, { now: NOW, timeZone: "" });
    expect(violations).toMatchObject([
      { field: "times.gaps.gaps_ms[0]", description: expect.stringContaining("(and 1 more)") },
    ]);
  });

  it("tells all that is wrong with an item at once", () => {
    const broken = { ...series, unit: "kg", times: { ...series.times, start: instant(limit + DAY) } };
    expect(violationsOf(broken)).toEqual(["unit UNIT_WRONG_DIMENSION", "times.start_time TIME_IN_FUTURE"]);
  });
});
