import {
  type Columns,
  coverOf,
  mergeCovers,
  pickColumns,
  type RankedBlock,
  sameCover,
  stackBlocks,
} from "@wellapi/series";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CommittedSamples } from "../src/blocks/committed-samples.ts";
import { createWinners, type Run, type WinnersLimits } from "../src/blocks/winners.ts";
import type { Source } from "../src/model/provenance.ts";
import { rankOf, sequenceOf } from "../src/model/rank.ts";

const RUNS = Number(process.env.MODEL_RUNS ?? 2_000);

function source(model: string): Source {
  return { organization: "org", application: "app", device: "serial", model, method: 1, granularity: 1 };
}

type Item = CommittedSamples & { readonly rank: number };

/** Samples of one item; each value is the item's rank. */
function block(
  rank: number,
  times: readonly number[],
  durationMs: Columns["durationMs"],
  model: string,
  unit: string,
): Item {
  const columns: Columns = {
    times: Float64Array.from(times),
    offsetMinutes: 0,
    durationMs,
    unit,
    values: { kind: "decimal", scale: 0, mantissas: Float64Array.from(times, () => rank) },
  };
  return { source: source(model), columns, rank };
}

function ranksOf({ columns }: CommittedSamples): Float64Array {
  return (columns.values as { mantissas: Float64Array }).mantissas;
}

/** What becomes of blocks in a compaction, as a reader opens it. */
function compacted(of: readonly Item[]): CommittedSamples[] {
  const blocks = of.map(({ columns, rank }): RankedBlock => ({ columns, ranks: rank }));
  return stackBlocks(blocks, { samples: 1_000, spanMs: 1e9, reachMs: 1e9 }).flatMap((layers) => {
    const opened = layers.map(({ columns }, i): CommittedSamples => {
      const mantissas = (columns.values as { mantissas: Float64Array }).mantissas;
      return {
        source: of[0]!.source,
        columns,
        rank: Math.max(...mantissas),
        each: { ranks: () => mantissas, offset: 0 },
        hidden: i > 0,
      };
    });
    const covers = opened.map((layer) => coverOf(layer.columns, ranksOf(layer)));
    return sameCover(covers[0]!, mergeCovers(covers)) ? opened.slice(0, 1) : opened;
  });
}

const durations = fc.oneof(
  fc.constantFrom(0, 0, 1, 3, 10, 60),
  fc.array(fc.constantFrom(0, 1, 2, 15, 40), { minLength: 12, maxLength: 12 }),
);

const blocks = fc
  .array(
    fc.record({
      times: fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 12 }),
      duration: durations,
      model: fc.constantFrom("A", "B"),
      unit: fc.constantFrom("/min", "Hz"),
      /** Items of one number are one commit, and those of one compaction come in one block. */
      sequence: fc.integer({ min: 1, max: 4 }),
      compaction: fc.constantFrom(0, 0, 1, 2),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((specs) => {
    const items = specs.map(({ times, duration, model, unit, sequence, compaction }, i) => ({
      key: compaction === 0 ? `loose ${i}` : JSON.stringify([compaction, model, unit]),
      compaction,
      item: block(
        rankOf(sequence, i),
        times.sort((a, b) => a - b),
        typeof duration === "number" ? duration : Uint32Array.from(duration.slice(0, times.length)),
        model,
        unit,
      ),
    }));
    const stored = [...Map.groupBy(items, ({ key }) => key).values()].flatMap((members) => {
      const all = members.map(({ item }) => item);
      return members[0]!.compaction === 0 ? [all] : [compacted(all)];
    });
    return {
      items: items.map(({ item }) => item),
      stored: stored.sort((a, b) => firstOf(a) - firstOf(b)),
    };
  });

function firstOf(layers: readonly CommittedSamples[]): number {
  return Math.min(...layers.map(({ columns }) => columns.times[0]!));
}

/** [time, rank, model, unit] of each sample that is shown, by the rule as it is stated. */
function naive(items: readonly Item[], from: number, to: number) {
  const samples = items.flatMap(({ columns, rank, source: { model } }) =>
    Array.from(columns.times, (start, i) => {
      const duration = typeof columns.durationMs === "number" ? columns.durationMs : columns.durationMs[i]!;
      return { start, end: start + Math.max(1, duration), rank, model, unit: columns.unit };
    }),
  );
  return samples
    .filter(({ start }) => start >= from && start < to)
    .filter((a) => !samples.some((b) => b.rank > a.rank && b.start < a.end && a.start < b.end))
    .sort((a, b) => a.start - b.start)
    .map(({ start, rank, model, unit }) => [start, rank, model, unit]);
}

function flatten(runs: readonly Run[]) {
  return runs.flatMap(({ columns, source: of }) => {
    const { mantissas } = columns.values as { mantissas: Float64Array };
    return Array.from(columns.times, (time, i) => [time, mantissas[i]!, of.model, columns.unit]);
  });
}

/** As the repository reads: blocks in steps, what is let go again, and more held where nothing moves on. */
function read(
  stored: readonly CommittedSamples[][],
  { from, to }: { from: number; to: number },
  step: number,
  usual?: WinnersLimits,
): Run[] {
  const runs: Run[] = [];
  let limits = usual;
  for (let start = from; start < to; ) {
    const winners = createWinners({ from: start, to }, limits);
    let done = start;
    for (let at = 0; at < stored.length && done < winners.end; at += step) {
      winners.add(stored.slice(at, at + step).flat());
      const next = at + step < stored.length ? firstOf(stored[at + step]!) : Number.POSITIVE_INFINITY;
      const settled = Math.max(done, Math.min(winners.end, winners.settled(next)));
      if (settled > done) runs.push(...winners.take(settled));
      done = settled;
    }
    if (done === start && limits) limits = { samples: limits.samples * 4, stretches: limits.stretches * 4 };
    else limits = usual;
    start = done;
  }
  return runs;
}

describe("winners", () => {
  it("are those of the rule, whatever the steps in which blocks come in", () => {
    const property = fc.property(
      blocks,
      fc.integer({ min: 1, max: 4 }),
      fc.nat(50),
      fc.nat(40),
      ({ items, stored }, step, from, length) => {
        const interval = { from, to: from + length + 1 };
        const runs = read(stored, interval, step);
        expect(flatten(runs)).toEqual(naive(items, interval.from, interval.to));
        for (const { columns, sequence } of runs) {
          const { mantissas } = columns.values as { mantissas: Float64Array };
          expect(sequence).toBe(sequenceOf(Math.max(...mantissas)));
        }
      },
    );
    fc.assert(property, { numRuns: RUNS });
  });

  it("have the rank of each sample, of several blocks one after another", () => {
    const of = (sequence: number, times: number[]) => block(rankOf(sequence, 0), times, 0, "A", "/min");
    const winners = createWinners({ from: 0, to: 100 });
    winners.add([of(1, [0, 10]), ...compacted([of(3, [20, 40]), of(2, [30])]), of(4, [50, 60])]);
    const [run, ...others] = winners.take(100);
    expect(others).toEqual([]);
    expect(Array.from(run!.ranks!(), sequenceOf)).toEqual([1, 1, 3, 2, 3, 4, 4]);
  });

  it("are those of the rule also where little may be held at a time", () => {
    const limits = fc.record({
      samples: fc.integer({ min: 12, max: 40 }),
      stretches: fc.integer({ min: 1, max: 9 }),
    });
    const property = fc.property(
      blocks,
      limits,
      fc.integer({ min: 1, max: 4 }),
      ({ items, stored }, most, step) => {
        expect(flatten(read(stored, { from: 0, to: 100 }, step, most))).toEqual(naive(items, 0, 100));
      },
    );
    fc.assert(property, { numRuns: RUNS / 2 });
  });

  it("are those of the rule where the last block alone is more than may be kept", () => {
    const small = block(1, [0, 1], 0, "A", "/min");
    const large = block(
      2,
      Array.from({ length: 30 }, (_, i) => 10 + i),
      0,
      "A",
      "/min",
    );
    const winners = createWinners({ from: 0, to: 100 }, { samples: 30, stretches: 9 });
    winners.add([small, large]);
    expect(winners.end).toBe(10);
    expect(winners.take(10).map(({ columns }) => [...columns.times])).toEqual([[0, 1]]);
  });

  describe("are let go from the end, where more comes together than may be held:", () => {
    /** Four samples from `at` on, as long as `durationMs`. */
    const four = (at: number, durationMs = 0) =>
      block(at + 1, [at, at + 1, at + 2, at + 3], durationMs, "A", "/min");
    const holding = (limits: WinnersLimits, all: readonly CommittedSamples[]) => {
      const winners = createWinners({ from: 0, to: 100 }, limits);
      winners.add(all);
      return winners;
    };

    it("none where it is as much as may be held", () => {
      const { held, end } = holding(
        { samples: 16, stretches: 4 },
        [0, 10, 20, 30].map((at) => four(at)),
      );
      expect([held, end]).toEqual([16, 100]);
    });

    it("down to half of the samples, in whole stretches", () => {
      const winners = holding(
        { samples: 15, stretches: 100 },
        [0, 10, 20, 30, 40].map((at) => four(at)),
      );
      expect([winners.held, winners.end]).toEqual([8, 20]);
      // What comes later is beyond the end, and not held.
      winners.add([four(50)]);
      expect([winners.held, winners.end]).toEqual([8, 20]);
      expect(flatten(winners.take(20)).map(([time]) => time)).toEqual([0, 1, 2, 3, 10, 11, 12, 13]);
    });

    it("down to half of the stretches, as soon as there is one too many", () => {
      const winners = holding(
        { samples: 1_000, stretches: 4 },
        [0, 10, 20, 30].map((at) => four(at)),
      );
      expect([winners.held, winners.end]).toEqual([16, 100]);
      winners.add([four(40)]);
      expect([winners.held, winners.end]).toEqual([8, 20]);
    });

    it("also where it is the cover of hidden samples that grows", () => {
      const winners = createWinners({ from: 0, to: 1_000 }, { samples: 4, stretches: 1_000 });
      winners.add([block(1, [0], 0, "A", "/min"), block(2, [500], 0, "A", "/min")]);
      const hidden = (at: number) => ({ ...block(9, [at], 0, "A", "/min"), hidden: true });
      let pairs = 0;
      // Two that overlap are not apart, so what they cover is kept.
      for (; pairs < 20 && winners.end === 1_000; pairs++) {
        winners.add([hidden(10 + 10 * pairs), hidden(10 + 10 * pairs)]);
      }
      expect([pairs, winners.held, winners.end]).toEqual([9, 1, 500]);
    });

    it("none of a stretch that is more for itself: without it nothing would move on", () => {
      const { held, end } = holding({ samples: 3, stretches: 100 }, [four(10)]);
      expect([held, end]).toEqual([4, 100]);
    });

    it("counting what is shown alone", () => {
      // The long samples from 10 on are hidden by those from 20 on.
      const winners = holding({ samples: 8, stretches: 100 }, [four(0), four(10, 15), four(20), four(40)]);
      expect([winners.held, winners.end]).toEqual([4, 20]);
      expect(flatten(winners.take(20)).map(([time]) => time)).toEqual([0, 1, 2, 3]);
    });
  });

  it("are no run at all where nothing is shown", () => {
    const winners = createWinners({ from: 0, to: 100 });
    winners.add([block(1, [50], 0, "A", "/min"), block(2, [60], 0, "B", "/min")]);
    expect(winners.take(40)).toEqual([]);
    expect(winners.take(55)).toHaveLength(1);
  });

  it("of codes are one run of each block, for each block numbers its codes for itself", () => {
    const asleep = (sequence: number, at: number, code: string): CommittedSamples => {
      const item = block(rankOf(sequence, 0), [at], 0, "A", "");
      const dictionary = [{ system: "s", code }];
      return {
        ...item,
        columns: { ...item.columns, values: { kind: "coded", dictionary, indexes: Uint32Array.of(0) } },
      };
    };
    const winners = createWinners({ from: 0, to: 100 });
    winners.add([asleep(1, 0, "deep"), asleep(2, 10, "deep"), asleep(3, 20, "light")]);
    const runs = winners.take(100).map(({ columns: { times, values }, sequence }) => {
      const { dictionary } = values as Extract<Columns["values"], { kind: "coded" }>;
      return [...times, dictionary.map(({ code }) => code), sequence];
    });
    expect(runs).toEqual([
      [0, ["deep"], 1],
      [10, ["deep"], 2],
      [20, ["light"], 3],
    ]);
  });

  it("do not grow with the blocks that interleave", () => {
    const winners = createWinners({ from: 0, to: 1e6 });
    for (let sequence = 0; sequence < 12; sequence++) {
      const times = Array.from({ length: 10_000 }, (_, i) => i * 12 + sequence);
      winners.add([block(sequence, times, 0, "A", "/min")]);
      expect(winners.held).toBeLessThanOrEqual(60_000);
    }
    const [run] = winners.take(winners.end);
    expect(run!.columns.times).toEqual(Float64Array.from({ length: winners.end }, (_, time) => time));
  });

  it("do not hold on to what is hidden, however often the same hours are sent", () => {
    const winners = createWinners({ from: 0, to: 1e6 });
    const times = Array.from({ length: 1_000 }, (_, i) => i);
    for (let sequence = 1; sequence <= 100; sequence++) winners.add([block(sequence, times, 0, "A", "/min")]);
    expect(winners.held).toBe(1_000);
    expect(winners.take(900)).toHaveLength(1);
    expect(winners.held).toBe(100);
  });

  it("never show a hidden sample, also where nothing that hides it is among the blocks", () => {
    const winners = createWinners({ from: 0, to: 100 });
    winners.add([{ ...block(1, [10, 20], 0, "A", "/min"), hidden: true }, block(2, [50], 0, "A", "/min")]);
    expect(winners.take(100).flatMap(({ columns }) => [...columns.times])).toEqual([50]);
  });

  it("tell how far later blocks may reach into them", () => {
    const winners = createWinners({ from: 0, to: 100 });
    winners.add([block(1, [0, 10, 60], Uint32Array.of(5, 80, 10), "A", "/min")]);
    expect(winners.reach).toBe(90);
    expect(winners.settled(90)).toBe(90);
    expect(winners.settled(89)).toBe(10);
    expect(pickColumns(winners.take(10)[0]!.columns, Uint32Array.of(0)).durationMs).toBe(5);
    winners.add([block(2, [89], 0, "A", "/min")]);
    expect(winners.take(100).flatMap(({ columns }) => [...columns.times])).toEqual([60, 89]);
  });
});
