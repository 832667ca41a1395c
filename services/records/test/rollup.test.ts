import { type Columns, type ComponentValues, overlay, sliceColumns } from "@wellapi/series";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSeriesAggregation, releasedBuckets } from "../src/aggregation.ts";
import {
  type CompactedBlock,
  decodeCompacted,
  encodeCompacted,
  type Strip,
  stripOf,
} from "../src/compacted-block.ts";
import { compact, without } from "../src/compaction.ts";
import { planRollup, type SummarizedBlock } from "../src/rollup.ts";
import { decodeSummary, encodeSummary, summarize } from "../src/summary.ts";

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

/** A batch as it would be stored, of the commit `sequence`. */
function strip(spec: typeof batch extends fc.Arbitrary<infer T> ? T : never, sequence: number): Strip {
  const times = ascending(start + spec.first * MINUTE, spec.gaps);
  const mantissas = times.map((_, i) => {
    const value = spec.values[i % spec.values.length]!;
    return spec.small ? value % 1_000 : value;
  });
  const { offsetMinutes, components, scale } = spec;
  const columns: Columns = {
    times,
    offsetMinutes,
    durationMs: 0,
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
    received: start + sequence * 61_234,
    consent: sequence % 2 === 0 ? "con_a" : "con_b",
    version: 1,
  };
  return stripOf({ columns, provenance }, sequence);
}

const strips = fc
  .array(batch, { minLength: 1, maxLength: 8 })
  .map((specs) => specs.map((one, i) => strip(one, i + 1)));

/** Each winner as text, with everything that is told or kept of it. */
function winners(all: readonly Strip[]): string[] {
  const held = new Map<number, { sequence: number; text: string }>();
  for (const { source, columns, origins } of all) {
    columns.times.forEach((time, i) => {
      const { values } = columns;
      const numbers =
        values.kind === "components"
          ? values.components.map(({ mantissas }) => mantissas[i])
          : [values.kind === "decimal" ? [values.mantissas[i], values.scale] : undefined];
      const text = JSON.stringify([time, numbers, columns.offsetMinutes, source, origins[i]]);
      const { sequence } = origins[i]!;
      if ((held.get(time)?.sequence ?? 0) < sequence) held.set(time, { sequence, text });
    });
  }
  return [...held].sort(([a], [b]) => a - b).map(([, { text }]) => text);
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
        ...compacted.map((block): SummarizedBlock & { strip: Strip } => {
          const summary = summarize(block[0]!);
          return {
            ...intervalOf(block[0]!),
            summary: summary && decodeSummary(encodeSummary(summary)),
            strip: block[0]!,
          };
        }),
        ...loose.map((one) => ({ ...intervalOf(one), strip: one })),
      ].sort((a, b) => a.from - b.from);
      const interval = { from: at[0]!, to: at.at(-1)! };
      const buckets = releasedBuckets(at, interval, { raw: [interval], coarse: [interval] }, "hour");
      const whole = createSeriesAggregation(buckets);
      const winning = winningColumns(blocks.map(({ strip: one }) => one));
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
    fc.assert(property, { numRuns: 150 });
    expect(fromHours).toBeGreaterThan(100);
  });
});

function sorted<T>(buckets: ReadonlyMap<number, T>) {
  return [...buckets].sort(([a], [b]) => a - b);
}

function intervalOf({ columns: { times } }: Strip) {
  return { from: times[0]!, to: times.at(-1)! + 1 };
}

function winningColumns(all: readonly Strip[]): Columns[] {
  return overlay(
    all.map(({ columns, origins }) => ({
      columns,
      sequence: Float64Array.from(origins, ({ sequence }) => sequence),
    })),
  );
}
