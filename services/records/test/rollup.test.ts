import {
  type Columns,
  type ComponentValues,
  endOfSample,
  pickColumns,
  reachOf,
  sliceColumns,
} from "@wellapi/series";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CompactedBlock,
  decodeCompacted,
  decodeShown,
  encodeCompacted,
  type Strip,
  stripOf,
} from "../src/blocks/compacted-block.ts";
import { decodeSummary, encodeSummary, type SummarizedBlock, summarize } from "../src/blocks/summary.ts";
import { compact, without } from "../src/compaction/compaction.ts";
import { createSeriesAggregation, releasedBuckets } from "../src/read/aggregates/aggregation.ts";
import { planRollup } from "../src/read/aggregates/rollup.ts";

const RUNS = Number(process.env.MODEL_RUNS ?? 400);
const MINUTE = 60_000;
const start = Date.UTC(2016, 3, 12, 6);
const blood = (code: string, mantissas: Float64Array): ComponentValues => {
  return { coding: { system: "http://loinc.org", code }, unit: "mm[Hg]", scale: 0, mantissas };
};

const batch = fc.record({
  first: fc.integer({ min: 0, max: 2_000 }),
  gaps: fc.array(fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 1, 2, 70), {
    minLength: 1,
    maxLength: 300,
    size: "max",
  }),
  values: fc.array(fc.oneof(fc.integer({ min: 30, max: 220 }), fc.maxSafeInteger()), {
    minLength: 1,
    maxLength: 5,
  }),
  scale: fc.constantFrom(0, 0, 1),
  offsetMinutes: fc.constantFrom(120, 120, 330, -210),
  components: fc.boolean(),
  model: fc.constantFrom("Band", "Band", "Ring"),
  duration: fc.oneof(
    fc.constantFrom(0, 0, 1, 1, 3),
    fc.array(fc.constantFrom(0, 1, 1, 2, 45, 300), { minLength: 5, maxLength: 5 }),
  ),
  item: fc.nat(3),
  small: fc.constantFrom(true, true, true, true, false),
});

/** Instants after one another, so many minutes apart. */
function ascending(first: number, gaps: readonly number[]): Float64Array {
  const times = new Float64Array(gaps.length);
  gaps.forEach((gap, i) => {
    times[i] = (i === 0 ? first : times[i - 1]!) + gap * MINUTE;
  });
  return times;
}

/** An item as it would be stored, of the commit `sequence`: two may be of one. */
function strip(spec: typeof batch extends fc.Arbitrary<infer T> ? T : never, at: number): Strip {
  const sequence = at >> 1;
  const times = ascending(start + spec.first * MINUTE, spec.gaps);
  const mantissas = times.map((_, i) => {
    const value = spec.values[i % spec.values.length]!;
    return spec.small ? value % 1_000 : value;
  });
  const { offsetMinutes, components, scale, duration } = spec;
  const columns: Columns = {
    times,
    offsetMinutes,
    durationMs:
      typeof duration === "number"
        ? duration * MINUTE
        : Uint32Array.from(times, (_, i) => duration[i % duration.length]! * MINUTE),
    unit: components ? "" : "/min",
    values: components
      ? {
          kind: "components",
          components: [
            blood("8480-6", mantissas),
            blood(
              "8462-4",
              mantissas.map((m) => -m),
            ),
          ],
        }
      : { kind: "decimal", scale, mantissas },
  };
  const provenance = {
    organization: "org",
    application: "app",
    device: "serial",
    model: spec.model,
    method: 1,
    granularity: 2,
    received: start + sequence * 61_234,
    consent: sequence % 2 === 0 ? "con_a" : "con_b",
    version: 1,
  };
  return stripOf({ columns, provenance }, { sequence, item: 4 * (at & 1) + spec.item });
}

const strips = fc
  .array(batch, { minLength: 1, maxLength: 8 })
  .map((specs) => specs.map((one, i) => strip(one, i + 2)));

/** The samples of all strips, and whether each is shown by the rule as it is stated. */
function samplesOf(all: readonly Strip[]) {
  const samples = all.flatMap((of) =>
    of.origins.map((origin, i) => {
      const start = of.columns.times[i]!;
      return {
        of,
        i,
        origin,
        rank: origin.sequence * 100 + origin.item,
        start,
        end: endOfSample(of.columns, i),
      };
    }),
  );
  const sorted = samples.toSorted((a, b) => a.start - b.start);
  const hidden = new Set<(typeof samples)[number]>();
  sorted.forEach((one, at) => {
    // All that overlap it and do not start before it.
    for (let i = at + 1; i < sorted.length && sorted[i]!.start < one.end; i++) {
      const other = sorted[i]!;
      if (one.rank !== other.rank) hidden.add(one.rank < other.rank ? one : other);
    }
  });
  return sorted.map((one) => ({ ...one, shown: !hidden.has(one) }));
}

/** Each sample that is shown as text, with everything that is told or kept of it. */
function winners(all: readonly Strip[]): string[] {
  return samplesOf(all)
    .filter(({ shown }) => shown)
    .map(({ of: { source, columns }, i, origin, start, end }) => {
      const { values } = columns;
      const numbers =
        values.kind === "components"
          ? values.components.map(({ mantissas }) => mantissas[i])
          : [values.kind === "decimal" ? [values.mantissas[i], values.scale] : undefined];
      return JSON.stringify([start, end, numbers, columns.offsetMinutes, source, origin]);
    });
}

function packed(all: readonly Strip[]): CompactedBlock[] {
  return compact(all.toSorted((a, b) => a.columns.times[0]! - b.columns.times[0]!)).map((block) =>
    decodeCompacted(encodeCompacted(block)),
  );
}

describe("a compacted block", () => {
  it("has the same winners, also when commits are taken back and when it is compacted again", () => {
    const gone = fc.subarray([1, 2, 3, 4, 5, 6, 7, 8]);
    const property = fc.property(strips, gone, fc.nat(8), (all, sequences, early) => {
      const first = packed(all.slice(0, early)).flat();
      const again = packed([...first, ...all.slice(early)]);
      expect(winners(again.flat())).toEqual(winners(all));
      const taken = new Set(sequences);
      const left = again.flatMap((block) => packed(without(block, taken))).flat();
      expect(winners(left)).toEqual(winners(all.filter(({ origins }) => !taken.has(origins[0]!.sequence))));
      // Readers see no more than the first layers, and what of the others reaches further.
      for (const block of again) {
        const { hidden, columns } = decodeShown(encodeCompacted(block));
        expect(columns).toEqual(block[0]!.columns);
        expect(hidden.map(({ columns: those }) => those)).toEqual(
          hidden.length === 0 ? [] : block.slice(1).map(({ columns: those }) => those),
        );
      }
    });
    fc.assert(property, { numRuns: 60 });
  });
});

describe("a rollup", () => {
  const edges = fc
    .tuple(
      fc.integer({ min: -120, max: 1_500 }),
      fc.array(fc.constantFrom(60, 60, 30, 61, 1_440), { minLength: 1, maxLength: 12, size: "max" }),
    )
    .map(([from, lengths]) => {
      return ascending(start + from * MINUTE, [0, ...lengths]);
    });

  it("counts to the digit what all samples say, wherever blocks overlap and buckets cut hours", () => {
    let fromHours = 0;
    const property = fc.property(strips, fc.array(strips, { maxLength: 2 }), edges, (all, later, at) => {
      // Blocks of several compactions, which do not know of each other, and some that arrived since.
      const groups = [all, ...later].map((group, g) => {
        return group.map(({ origins, ...rest }): Strip => {
          return {
            ...rest,
            origins: origins.map((origin) => ({ ...origin, sequence: origin.sequence + 10 * g })),
          };
        });
      });
      const compacted = groups.slice(0, 2).flatMap(packed);
      const loose = groups.slice(2).flat();
      const blocks = [
        ...compacted.map((block): SummarizedBlock & { strips: readonly Strip[] } => {
          const summary = summarize(block[0]!);
          return {
            ...intervalOf(block),
            summary: summary && decodeSummary(encodeSummary(summary)),
            strips: block,
          };
        }),
        // As they arrived: some are read together with their hours, as by block-repository.ts.
        ...loose.map((one, i) => ({
          ...intervalOf([one]),
          summary: i % 2 === 0 ? summarize(one, 1) : undefined,
          strips: [one],
        })),
      ].sort((a, b) => a.from - b.from);
      const interval = { from: at[0]!, to: at.at(-1)! };
      const buckets = releasedBuckets(
        at,
        interval,
        { raw: [interval], everRaw: [interval], coarse: [interval] },
        "hour",
        0,
      );
      const whole = createSeriesAggregation(buckets);
      const winning = winningColumns(blocks.flatMap(({ strips: those }) => those));
      for (const columns of winning) whole.add(columns);
      const rolled = createSeriesAggregation(buckets);
      const plan = planRollup(blocks, buckets);
      for (const { summary, bucket, first, end } of plan.hours) {
        rolled.addHours(summary, bucket, first, end);
        fromHours += end - first;
      }
      for (const { from, to } of plan.samples) {
        for (const columns of winning) {
          const within = sliceColumns(columns, from, to);
          if (within.times.length > 0) rolled.add(within);
        }
      }
      const told = (aggregation: typeof whole) =>
        new Map(
          aggregation
            .results()
            .map((part) => [JSON.stringify([part.component, part.unit]), sorted(part.buckets)]),
        );
      expect(told(rolled)).toEqual(told(whole));
    });
    fc.assert(property, { numRuns: RUNS });
    expect(fromHours).toBeGreaterThan(RUNS / 4);
  });
});

function sorted<T>(buckets: ReadonlyMap<number, T>) {
  return [...buckets].sort(([a], [b]) => a - b);
}

function intervalOf(strips: readonly Strip[]) {
  const times = strips.flatMap(({ columns }) => [...columns.times]);
  return {
    from: Math.min(...times),
    to: Math.max(...times) + 1,
    until: Math.max(...strips.map(({ columns }) => reachOf(columns))),
  };
}

function winningColumns(all: readonly Strip[]): Columns[] {
  return samplesOf(all)
    .filter(({ shown }) => shown)
    .map(({ of, i }) => pickColumns(of.columns, Uint32Array.of(i)));
}
