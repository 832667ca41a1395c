import type { Columns } from "@wellapi/series";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Source } from "../src/provenance.ts";
import { type CommittedSamples, createWinners, type Run, sliceSamples } from "../src/winners.ts";

function source(model: string): Source {
  return { organization: "org", application: "app", device: "serial", model, method: 1 };
}

function block(sequence: number, times: number[], model: string, unit: string): CommittedSamples {
  const columns: Columns = {
    times: Float64Array.from(times),
    offsetMinutes: 0,
    durationMs: 0,
    unit,
    values: { kind: "decimal", scale: 0, mantissas: Float64Array.from(times, () => sequence) },
  };
  return { source: source(model), columns, sequence };
}

function compacted(of: CommittedSamples, sequences: readonly number[]): CommittedSamples {
  const mantissas = Float64Array.from(sequences);
  const columns: Columns = { ...of.columns, values: { kind: "decimal", scale: 0, mantissas } };
  return {
    ...of,
    columns,
    sequence: Math.max(...sequences),
    each: { sequences: () => mantissas, offset: 0 },
  };
}

const blocks = fc
  .array(
    fc.record({
      times: fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 12 }),
      model: fc.constantFrom("A", "B"),
      unit: fc.constantFrom("/min", "Hz"),
      // Of a compacted block: sequences of several commits, none of which is another block's.
      commits: fc.option(fc.array(fc.nat(3), { minLength: 12, maxLength: 12 })),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((specs) =>
    specs
      .map(({ times, model, unit, commits }, i) => {
        const ascending = times.sort((a, b) => a - b);
        const plain = block(i + 1, ascending, model, unit);
        return commits === null
          ? plain
          : compacted(
              plain,
              commits.slice(0, times.length).map((commit) => i + 1 + 20 * commit),
            );
      })
      .sort((a, b) => a.columns.times[0]! - b.columns.times[0]!),
  );

/** [time, sequence, model, unit] of each winner, by the rule as it is stated. */
function naive(all: readonly CommittedSamples[], from: number, to: number) {
  const winners = new Map<number, { block: CommittedSamples; sequence: number }>();
  for (const candidate of all) {
    candidate.columns.times.forEach((time, i) => {
      if (time < from || time >= to) return;
      const sequence = candidate.each?.sequences()[i] ?? candidate.sequence;
      const known = winners.get(time);
      if (known === undefined || known.sequence < sequence) winners.set(time, { block: candidate, sequence });
    });
  }
  return [...winners]
    .sort(([a], [b]) => a - b)
    .map(([time, { sequence, block: of }]) => [time, sequence, of.source.model, of.columns.unit]);
}

function flatten(runs: readonly Run[]) {
  return runs.flatMap(({ columns, source: of }) => {
    const { mantissas } = columns.values as { mantissas: Float64Array };
    return Array.from(columns.times, (time, i) => [time, mantissas[i]!, of.model, columns.unit]);
  });
}

describe("winners", () => {
  it("are those of the rule, whatever the steps in which blocks come in", () => {
    const property = fc.property(
      blocks,
      fc.integer({ min: 1, max: 4 }),
      fc.nat(20),
      fc.nat(40),
      (all, step, from, length) => {
        const to = from + length + 1;
        const winners = createWinners();
        const runs: Run[] = [];
        let done = from;
        for (let at = 0; at < all.length; at += step) {
          winners.add(all.slice(at, at + step));
          const next = all[at + step]?.columns.times[0] ?? to;
          const settled = Math.max(done, Math.min(next, to));
          if (settled > done) runs.push(...winners.take({ from: done, to: settled }));
          done = settled;
        }
        if (done < to) runs.push(...winners.take({ from: done, to }));
        expect(flatten(runs)).toEqual(naive(all, from, to));
        for (const { columns, sequence } of runs) {
          const { mantissas } = columns.values as { mantissas: Float64Array };
          expect(sequence).toBe(Math.max(...mantissas));
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("are those of the rule also where little may be held at a time", () => {
    const limits = fc.record({
      samples: fc.integer({ min: 24, max: 40 }), // twice a block and more
      stretches: fc.integer({ min: 1, max: 9 }),
    });
    const property = fc.property(blocks, limits, fc.integer({ min: 1, max: 4 }), (all, most, step) => {
      const to = 100;
      const runs: Run[] = [];
      for (let from = 0; from < to; ) {
        const winners = createWinners(most);
        const left = all
          .map((one) => sliceSamples(one, from, to))
          .filter(({ columns }) => columns.times.length > 0);
        for (let at = 0; at < left.length; at += step) {
          winners.add(left.slice(at, at + step));
          expect(winners.held).toBeLessThanOrEqual(most.samples);
        }
        const end = Math.min(to, winners.end);
        expect(end).toBeGreaterThan(from);
        runs.push(...winners.take({ from, to: end }));
        from = end;
      }
      expect(flatten(runs)).toEqual(naive(all, 0, to));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("are those of the rule where the last block alone is more than may be kept", () => {
    const small = block(1, [0, 1], "A", "/min");
    const large = block(
      2,
      Array.from({ length: 30 }, (_, i) => 10 + i),
      "A",
      "/min",
    );
    const winners = createWinners({ samples: 30, stretches: 9 });
    winners.add([small, large]);
    expect(winners.end).toBe(10);
    expect(winners.take({ from: 0, to: 10 }).map(({ columns }) => [...columns.times])).toEqual([[0, 1]]);
  });

  it("do not grow with the blocks that interleave", () => {
    const winners = createWinners();
    for (let sequence = 0; sequence < 12; sequence++) {
      const times = Array.from({ length: 10_000 }, (_, i) => i * 12 + sequence);
      winners.add([block(sequence, times, "A", "/min")]);
      expect(winners.held).toBeLessThanOrEqual(60_000);
    }
    const [run] = winners.take({ from: 0, to: winners.end });
    expect(run!.columns.times).toEqual(Float64Array.from({ length: winners.end }, (_, time) => time));
  });

  it("do not hold on to what lost, however often the same hours are sent", () => {
    const winners = createWinners();
    const times = Array.from({ length: 1_000 }, (_, i) => i);
    for (let sequence = 1; sequence <= 100; sequence++) winners.add([block(sequence, times, "A", "/min")]);
    expect(winners.held).toBe(1_000);
    expect(winners.take({ from: 0, to: 900 })).toHaveLength(1);
    expect(winners.held).toBe(100);
  });
});
