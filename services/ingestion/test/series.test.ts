import { shippedTerminology } from "@wellapi/terminology";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeSeriesBatch } from "../src/batch.ts";
import { type DecimalColumn, formOf } from "../src/decimal-column.ts";
import { FUTURE_SKEW_MS } from "../src/limits.ts";
import type { SampleTimes } from "../src/sample-times.ts";
import { judgeSeries, type Series, sampleCount } from "../src/series.ts";
import { isLocal } from "../src/start.ts";
import {
  anySeries,
  codedSeries,
  coding,
  componentSeries,
  type GoodSeries,
  NOW,
  quantitySeries,
  type SeriesOf,
  ZONE,
} from "./arbitraries.ts";

const DAY = 86_400_000;

/** What is told of a batch: fields and reasons, by item. */
function told(items: readonly Series[], timeZone = ZONE) {
  const { rejections } = judgeSeriesBatch({ timeZone, items }, NOW, shippedTerminology);
  return rejections.map(({ index, violations }) => ({
    index,
    violations: violations.map(({ field, reason }) => `${field} ${reason}`),
  }));
}

function violationsOf(series: Series, timeZone = ZONE) {
  return judgeSeries(series, { now: NOW, timeZone }, shippedTerminology).violations.map(
    ({ field, reason }) => `${field} ${reason}`,
  );
}

interface Mutation<S extends GoodSeries> {
  readonly from: fc.Arbitrary<S>;
  /** The series, broken at (or near) a position. */
  readonly breakAt: (series: S, position: number) => Series;
  /** Field from the series, and reason. */
  readonly says: (series: S, position: number) => string;
}

function mutation<S extends GoodSeries>(
  from: fc.Arbitrary<S>,
  breakAt: Mutation<S>["breakAt"],
  says: string | Mutation<S>["says"],
): Mutation<GoodSeries> {
  const mutation: Mutation<S> = { from, breakAt, says: typeof says === "string" ? () => says : says };
  return mutation as unknown as Mutation<GoodSeries>;
}

const withTimes = (series: GoodSeries, times: Partial<SampleTimes>): GoodSeries => ({
  ...series,
  times: { ...series.times, ...times },
});
const instant = (ms: number) => ({ kind: "instant" as const, seconds: Math.floor(ms / 1_000), nanos: 0 });
const replaced = <T>(list: readonly T[], position: number, entry: T): T[] =>
  list.with(position % list.length, entry);

const shorter = (column: DecimalColumn): DecimalColumn => ({
  ...column,
  mantissas: column.mantissas.slice(1),
  wideMantissas: column.wideMantissas.slice(1),
  texts: column.texts.slice(1),
});
const gaps = (series: GoodSeries) =>
  series.times.spacing.kind === "gaps" ? series.times.spacing.gapsMs : ([] as readonly number[]);
const withGaps = quantitySeries.filter(({ times }) => times.spacing.kind === "gaps");
const wide = quantitySeries.filter(({ values }) => values.wideMantissas.length > 0);
const narrow = quantitySeries.filter(({ values }) => values.mantissas.length > 0);
const atInstant = anySeries.filter(({ times }) => times.start.kind === "instant");
const atText = anySeries.filter(({ times }) => times.start.kind === "text");
const written = quantitySeries.filter(({ values }) => values.texts.length > 0);
const atLocal = anySeries.filter(({ times }) => isLocal(times.start));

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

const mutations: Record<string, Mutation<GoodSeries>> = {
  "no samples": mutation(
    narrow.filter(({ times }) => times.durationsMs.length === 0),
    (s) => ({ ...s, values: { ...s.values, mantissas: [] } }),
    " SERIES_EMPTY",
  ),
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
    (s, i) => component(s, i, { decimals: shorter(s.values.components[i % 2]!.decimals!) }),
    (s, i) => {
      const column = formOf(shorter(s.values.components[i % 2]!.decimals!));
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
    anySeries.filter(({ times }) => times.durationMs > 0),
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
  "a gap that makes its end too far": mutation(
    quantitySeries.filter(({ times }) => times.durationMs > 2 * DAY && times.spacing.kind === "period"),
    (s) =>
      withTimes(s, {
        spacing: { kind: "period", periodMs: Math.floor((30 * DAY) / sampleCount(s)) },
        durationMs: 31 * DAY,
      }),
    ".times SERIES_TOO_LONG",
  ),
  "a last duration that makes its end too far": mutation(
    anySeries.filter(({ times }) => times.durationsMs.length > 0 && times.spacing.kind === "gaps"),
    (s) =>
      withTimes(s, {
        spacing: { kind: "gaps", gapsMs: replaced(gaps(s), 0, 15 * DAY) },
        durationsMs: replaced(s.times.durationsMs, s.times.durationsMs.length - 1, 18 * DAY),
      }),
    ".times SERIES_TOO_LONG",
  ),
  "an instant without its offset": mutation(
    atInstant,
    (s) => withTimes(s, { offsetMinutes: undefined }),
    ".times.utc_offset_minutes UTC_OFFSET_REQUIRED",
  ),
  "an offset of 2000": mutation(
    atInstant,
    (s, i) => withTimes(s, { offsetMinutes: i % 2 === 0 ? 2_000 : -1_081 }),
    ".times.utc_offset_minutes UTC_OFFSET_OUT_OF_RANGE",
  ),
  "an offset of 19 hours in the text": mutation(
    atText,
    (s) => withTimes(s, { start: { kind: "text", text: "2016-06-01T00:00:00+19:00" } }),
    ".times.start_time_text UTC_OFFSET_OUT_OF_RANGE",
  ),
  "an offset that is not known": mutation(
    atText,
    (s) => withTimes(s, { start: { kind: "text", text: "2016-06-01T00:00:00-00:00" } }),
    ".times.start_time_text TIME_INVALID",
  ),
  "a time as text of microseconds": mutation(
    atText,
    (s, i) =>
      withTimes(s, {
        start: { kind: "text", text: `2016-06-01T00:00:00.000001${["", "Z", "+02:00"][i % 3]}` },
      }),
    ".times.start_time_text TIME_TOO_FINE",
  ),
  "no time": mutation(
    anySeries,
    (s) => withTimes(s, { start: { kind: "none" } }),
    ".times.start_time TIME_REQUIRED",
  ),
  "no spacing": mutation(
    anySeries,
    (s) => withTimes(s, { spacing: { kind: "none" } }),
    ".times SPACING_REQUIRED",
  ),
  "a period of zero": mutation(
    anySeries,
    (s) => withTimes(s, { spacing: { kind: "period", periodMs: 0 } }),
    ".times.period_ms PERIOD_ZERO",
  ),
  "no times": mutation(
    anySeries.filter(({ granularity }) => granularity <= 1),
    (s) => ({ ...s, times: undefined }),
    ".times TIME_REQUIRED",
  ),
  "no values": mutation(
    anySeries.filter(({ times }) => times.durationsMs.length === 0 && times.spacing.kind === "period"),
    (s) => ({ ...s, values: undefined }),
    " VALUE_REQUIRED",
  ),
  "no code": mutation(anySeries, (s) => ({ ...s, coding: undefined }), ".code CODE_REQUIRED"),
  "an empty code": mutation(anySeries, (s) => ({ ...s, coding: coding("") }), ".code.code CODE_REQUIRED"),
  "a display of 201 characters": mutation(
    anySeries,
    (s) => ({ ...s, coding: { ...s.coding, display: "😀".repeat(201) } }),
    ".code.display TEXT_TOO_LONG",
  ),
  "half of a surrogate pair": mutation(
    anySeries,
    (s) => ({ ...s, device: { identifier: "\ud800", model: "" } }),
    ".device.identifier TEXT_INVALID",
  ),
  "a device's model of 129 characters": mutation(
    anySeries,
    (s) => ({ ...s, device: { identifier: "", model: "x".repeat(129) } }),
    ".device.model TEXT_TOO_LONG",
  ),
  "a method that the contract has not": mutation(
    anySeries,
    (s, i) => ({ ...s, method: i % 2 === 0 ? 5 : -1 }),
    ".method ENUM_UNKNOWN",
  ),
  "a duration without a class": mutation(
    anySeries.filter(({ granularity }) => granularity > 1),
    (s) => ({ ...s, granularity: 0 }),
    ".granularity GRANULARITY_REQUIRED",
  ),
  "an instant with a duration": mutation(
    anySeries.filter(({ granularity }) => granularity > 1),
    (s) => ({ ...s, granularity: 1 }),
    ".granularity GRANULARITY_MISMATCH",
  ),
  "an hour without a duration": mutation(
    anySeries.filter(({ granularity }) => granularity <= 1),
    (s, i) => ({ ...s, granularity: 2 + (i % 5) }),
    ".granularity GRANULARITY_MISMATCH",
  ),
  "durations of two kinds": mutation(
    anySeries.filter(({ times }) => times.durationsMs.length > 0),
    (s) => withTimes(s, { durationMs: 1 }),
    ".times.durations_ms DURATIONS_MIXED",
  ),
  "a duration too few": mutation(
    anySeries.filter(({ times }) => times.durationsMs.length > 0),
    (s) => withTimes(s, { durationsMs: s.times.durationsMs.slice(1) }),
    ".times.durations_ms LENGTH_MISMATCH",
  ),
  "a duration of zero": mutation(
    anySeries.filter(({ times }) => times.durationsMs.length > 0),
    (s, i) => withTimes(s, { durationsMs: replaced(s.times.durationsMs, i, 0) }),
    (s, i) => `.times.durations_ms[${i % s.times.durationsMs.length}] DURATION_ZERO`,
  ),
  "a value beyond any body": mutation(
    narrow,
    (s, i) => ({ ...s, values: { ...s.values, mantissas: replaced(s.values.mantissas, i, -1) } }),
    (s, i) => `.decimals.mantissas[${i % s.values.mantissas.length}] VALUE_IMPLAUSIBLE`,
  ),
  "a wide value beyond any body": mutation(
    wide,
    (s, i) => ({
      ...s,
      values: { ...s.values, wideMantissas: replaced(s.values.wideMantissas, i, -(2n ** 53n) + 1n) },
    }),
    (s, i) => `.decimals.wide_mantissas[${i % s.values.wideMantissas.length}] VALUE_IMPLAUSIBLE`,
  ),
  "a written value beyond any body": mutation(
    written,
    (s, i) => ({ ...s, values: { ...s.values, texts: replaced(s.values.texts, i, "-70") } }),
    (s, i) => `.decimals.values[${i % s.values.texts.length}] VALUE_IMPLAUSIBLE`,
  ),
  "an exponent": mutation(
    written,
    (s, i) => ({ ...s, values: { ...s.values, texts: replaced(s.values.texts, i, "6e1") } }),
    (s, i) => `.decimals.values[${i % s.values.texts.length}] DECIMAL_INVALID`,
  ),
  "a written value of 54 bits": mutation(
    written,
    (s, i) => ({ ...s, values: { ...s.values, texts: replaced(s.values.texts, i, "9007199254740992") } }),
    (s, i) => `.decimals.values[${i % s.values.texts.length}] VALUE_OUT_OF_RANGE`,
  ),
  "a scale beside written values": mutation(
    written,
    (s) => ({ ...s, values: { ...s.values, scale: 1 } }),
    ".decimals COLUMNS_MIXED",
  ),
  "two columns": mutation(
    narrow,
    (s) => ({ ...s, values: { ...s.values, wideMantissas: s.values.mantissas.map(BigInt) } }),
    ".decimals COLUMNS_MIXED",
  ),
  "a component without its column": mutation(
    componentSeries,
    (s, i) => component(s, i, { decimals: undefined }),
    (_, i) => `.components.components[${i % 2}].decimals VALUE_REQUIRED`,
  ),
  "a component's value beyond any body": mutation(
    componentSeries,
    (s, i) => {
      const texts = new Array<string>(sampleCount(s)).fill("9000");
      return component(s, i, { decimals: { scale: 0, mantissas: [], wideMantissas: [], texts } });
    },
    (_, i) => `.components.components[${i % 2}].decimals.values[0] VALUE_IMPLAUSIBLE`,
  ),
  "an offset beside a time as text": mutation(
    atText,
    (s) => withTimes(s, { offsetMinutes: 120 }),
    ".times.utc_offset_minutes OFFSET_WITH_TIME_TEXT",
  ),
  "a local time that the clocks skipped": mutation(
    atLocal,
    (s) => withTimes(s, { start: { kind: "text", text: "2016-03-27T02:30:00" } }),
    ".times.start_time_text LOCAL_TIME_SKIPPED",
  ),
  "a 30th of February": mutation(
    atLocal,
    (s) => withTimes(s, { start: { kind: "text", text: "2016-02-30T00:00:00" } }),
    ".times.start_time_text TIME_INVALID",
  ),
  "a change of the clocks within": mutation(
    atLocal.filter(({ times }) => times.spacing.kind === "period"),
    (s) =>
      withTimes(s, {
        start: { kind: "text", text: "2016-03-27T01:59:59" },
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
    quantitySeries.filter(({ values }) => values.texts.length === 0),
    (s) => ({ ...s, values: { ...s.values, scale: 10 } }),
    ".decimals.scale SCALE_OUT_OF_RANGE",
  ),
  "a code that nobody knows": mutation(
    anySeries,
    (s) => ({ ...s, coding: coding("1234-5") }),
    ".code CODE_UNKNOWN",
  ),
  "a code of another system": mutation(
    anySeries,
    (s) => ({ ...s, coding: { ...s.coding, system: "http://snomed.info/sct" } }),
    ".code CODE_UNKNOWN",
  ),
  "a component's code": mutation(
    quantitySeries,
    (s) => ({ ...s, coding: coding("8480-6") }),
    ".code CODE_IS_COMPONENT",
  ),
  "numbers for a coded code": mutation(
    quantitySeries,
    (s) => ({ ...s, coding: coding("85354-9") }),
    ".decimals VALUE_WRONG_KIND",
  ),
  "coded values for a number's code": mutation(
    codedSeries,
    (s) => ({ ...s, coding: coding("8867-4") }),
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
        dictionary: replaced(s.values.dictionary, i, coding("light")),
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
    (s, i) => component(s, i, { coding: coding("8867-4") }),
    (_, i) => `.components.components[${i % 2}].code COMPONENT_UNKNOWN`,
  ),
  "a component of another system": mutation(
    componentSeries,
    (s, i) => component(s, i, { coding: coding(s.values.components[i % 2]!.coding!.code, "urn:x") }),
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
        const findings = judgeSeriesBatch({ timeZone: ZONE, items }, NOW, shippedTerminology);
        expect(findings.rejections).toEqual([]);
        const texts = items.flatMap(({ times: { start } }, index) => {
          if (start.kind !== "text") return [];
          const [, local, offset] = /^(.*?)(Z|[+-]..:..)?$/.exec(start.text)!;
          const minutes = { Z: 0, "+02:00": 120, "-05:30": -330 }[offset ?? "+02:00"];
          return [{ index, timeMs: Date.parse(`${local}${offset ?? "+02:00"}`), offsetMinutes: minutes }];
        });
        expect(findings.resolvedTimes).toEqual(texts);
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
  const series: GoodSeries = {
    device: undefined,
    method: 0,
    granularity: 0,
    coding: coding("8867-4"),
    unit: "/min",
    times: {
      start: instant(NOW - DAY),
      offsetMinutes: 60,
      spacing: { kind: "period", periodMs: 60_000 },
      durationMs: 0,
      durationsMs: [],
    },
    values: { kind: "quantity", scale: 0, mantissas: [60, 61, 62], wideMantissas: [], texts: [] },
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
      start: { kind: "text", text: "2016-04-12T08:00:00" },
      offsetMinutes: undefined,
    });
    expect(violationsOf(local, "")).toEqual(["times.start_time_text TIME_ZONE_REQUIRED"]);
  });

  it("counts what else is wrong in a column instead of listing it", () => {
    const times = { ...series.times, spacing: { kind: "gaps" as const, gapsMs: [0, 0] } };
    const { violations } = judgeSeries({ ...series, times }, { now: NOW, timeZone: "" }, shippedTerminology);
    expect(violations).toMatchObject([
      { field: "times.gaps.gaps_ms[0]", description: expect.stringContaining("(and 1 more)") },
    ]);
  });

  it("tells all that is wrong with an item at once", () => {
    const broken = { ...series, unit: "kg", times: { ...series.times, start: instant(limit + DAY) } };
    expect(violationsOf(broken)).toEqual(["unit UNIT_WRONG_DIMENSION", "times.start_time TIME_IN_FUTURE"]);
  });
});
