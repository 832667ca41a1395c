import type { Columns } from "@wellapi/series";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { samplesAsOf } from "../src/blocks/as-of.ts";
import { type Strip, stripOf } from "../src/blocks/compacted-block.ts";
import { compact } from "../src/compaction/compaction.ts";
import { rankOf } from "../src/model/rank.ts";

const source = {
  ...{ organization: "org", application: "app", device: "serial", model: "Band", method: 1, granularity: 2 },
};

/** Samples of one item; each value is its commit. */
function strip(sequence: number, item: number, times: readonly number[], durationMs = 0): Strip {
  const columns: Columns = {
    times: Float64Array.from(times),
    offsetMinutes: 0,
    durationMs,
    unit: "/min",
    values: { kind: "decimal", scale: 0, mantissas: Float64Array.from(times, () => sequence) },
  };
  const provenance = { ...source, received: sequence, consent: "con", version: 1 };
  return stripOf({ columns, provenance }, { sequence, item });
}

/** Of each sample its time, its commit, its rank, and whether others of the block hide it. */
function asOf(block: readonly Strip[], sequence: number) {
  return samplesAsOf(block, sequence).flatMap(({ columns, each, hidden, rank, source: from }) => {
    expect(from).toEqual(block[0]!.source);
    const ranks = each!.ranks();
    expect(rank).toBe(Math.max(...ranks));
    expect([each!.offset, ranks.length]).toEqual([0, columns.times.length]);
    const { mantissas } = columns.values as { mantissas: Float64Array };
    return Array.from(columns.times, (time, i) => ({
      ...{ time, sequence: mantissas[i]!, rank: ranks[i]!, hidden: hidden === true },
    }));
  });
}

const shown = (block: readonly Strip[], sequence: number) =>
  asOf(block, sequence)
    .filter(({ hidden }) => !hidden)
    .map(({ time, sequence: of }) => [time, of])
    .sort(([a], [b]) => a! - b!);

function packed(strips: readonly Strip[]) {
  const blocks = compact(strips.toSorted((a, b) => a.columns.times[0]! - b.columns.times[0]!));
  expect(blocks).toHaveLength(1);
  return blocks[0]!;
}

describe("a compacted block as of an earlier commit", () => {
  const block = packed([
    strip(1, 0, [0, 10, 20]),
    strip(3, 0, [10, 30]),
    strip(3, 1, [40]),
    strip(5, 0, [0, 30]),
  ]);

  it("shows what later commits hide now, and nothing of what they sent", () => {
    expect(shown(block, 0)).toEqual([]);
    expect(asOf(block, 0)).toEqual([]);
    expect(shown(block, 2)).toEqual([
      [0, 1],
      [10, 1],
      [20, 1],
    ]);
    expect(shown(block, 3)).toEqual([
      [0, 1],
      [10, 3],
      [20, 1],
      [30, 3],
      [40, 3],
    ]);
    expect(shown(block, 9)).toEqual([
      [0, 5],
      [10, 3],
      [20, 1],
      [30, 5],
      [40, 3],
    ]);
  });

  it("keeps what was hidden then: it hides what lies in other blocks", () => {
    expect(
      asOf(block, 4)
        .filter(({ hidden }) => hidden)
        .map(({ time, rank }) => [time, rank]),
    ).toEqual([[10, rankOf(1, 0)]]);
  });

  it("is what the rule says of the samples that were there, whatever overlaps", () => {
    const spec = fc.record({
      times: fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 10 }),
      durationMs: fc.constantFrom(0, 0, 3, 12),
    });
    const property = fc.property(
      fc.array(spec, { minLength: 1, maxLength: 6 }),
      fc.nat(7),
      (specs, sequence) => {
        const strips = specs.map(({ times, durationMs }, i) =>
          strip(
            i + 1,
            0,
            times.sort((a, b) => a - b),
            durationMs,
          ),
        );
        const before = strips.flatMap(({ columns, origins }) =>
          Array.from(columns.times, (from, i) => ({
            ...{ from, to: from + Math.max(1, columns.durationMs as number), of: origins[i]!.sequence },
          })).filter(({ of }) => of <= sequence),
        );
        const winning = before.filter(
          (one) => !before.some((other) => other.of > one.of && other.from < one.to && one.from < other.to),
        );
        const all = compact(strips.toSorted((a, b) => a.columns.times[0]! - b.columns.times[0]!));
        // Several blocks where the samples are of several durations: then they hide each other on reading.
        fc.pre(all.length === 1);
        expect(shown(all[0]!, sequence)).toEqual(
          winning.map(({ from, of }) => [from, of]).sort(([a], [b]) => a! - b!),
        );
        expect(asOf(all[0]!, sequence)).toHaveLength(before.length);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});
