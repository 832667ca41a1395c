import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Columns,
  type CommittedBlock,
  checkColumns,
  overlay,
  type Stack,
  stackBlocks,
} from "../src/index.ts";

/** A block whose values tell which it was; a few sequences only, so that they meet. */
function block(times: readonly number[], value: number, sequence: number): CommittedBlock {
  const columns: Columns = {
    times: Float64Array.from(times),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "/min",
    values: {
      kind: "decimal",
      scale: 0,
      mantissas: Float64Array.from(times, (time) => value * 1_000 + time),
    },
  };
  return { columns, sequence };
}

const blocks = fc
  .array(
    fc.tuple(fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 6 })),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) =>
    all.map(([times, sequence], i) =>
      block(
        times.sort((a, b) => a - b),
        i,
        sequence,
      ),
    ),
  );

/** The same samples as blocks again, each with the sequence that it had. */
function unstack(stacks: readonly Stack[], sources: readonly CommittedBlock[]): CommittedBlock[] {
  const sequences = sources.flatMap(({ columns, sequence }) =>
    Array.from(columns.times, () => sequence as number),
  );
  return stacks.flatMap((layers) =>
    layers.map(({ columns, origins }) => ({
      columns,
      sequence: Float64Array.from(origins, (origin) => sequences[origin]!),
    })),
  );
}

/** [time, value] of each winner among what is left when the sequences of `gone` were taken away. */
function winners(all: readonly CommittedBlock[], gone: ReadonlySet<number>) {
  const left = all.flatMap(({ columns, sequence }) => {
    const { mantissas } = columns.values as { mantissas: Float64Array };
    return Array.from(columns.times, (time, i) => {
      const of = typeof sequence === "number" ? sequence : sequence[i]!;
      return { of, one: { ...columns, times: Float64Array.of(time), values: valuesOf(mantissas[i]!) } };
    });
  });
  const kept = left.filter(({ of }) => !gone.has(of)).map(({ of, one }) => ({ columns: one, sequence: of }));
  return overlay(kept).flatMap(({ times, values }) =>
    Array.from(times, (time, i) => [time, (values as { mantissas: Float64Array }).mantissas[i]!]),
  );
}

function valuesOf(mantissa: number) {
  return { kind: "decimal" as const, scale: 0, mantissas: Float64Array.of(mantissa) };
}

describe("stackBlocks", () => {
  test("keeps the winners, and whoever wins when others are taken away", () => {
    const limits = fc.record({
      samples: fc.integer({ min: 1, max: 30 }),
      spanMs: fc.integer({ min: 0, max: 50 }),
    });
    const property = fc.property(blocks, limits, fc.subarray([1, 2, 3, 4, 5, 6]), (all, most, gone) => {
      const stacks = stackBlocks(all, most);
      const again = unstack(stacks, all);
      for (const { columns } of again) checkColumns(columns);
      expect(winners(again, new Set(gone))).toEqual(winners(all, new Set(gone)));
      let end = Number.NEGATIVE_INFINITY;
      for (const [first, ...others] of stacks) {
        const { times } = first!.columns;
        expect(times[0]!).toBeGreaterThan(end);
        end = times.at(-1)!;
        expect(end - times[0]!).toBeLessThanOrEqual(most.spanMs);
        const instants = new Set(times);
        for (const { columns } of others) for (const time of columns.times) expect(instants).toContain(time);
      }
      // The first layers are all that a reader needs.
      const top = stacks.map(([first]) => first!.columns);
      const shown = overlay(top.map((columns) => ({ columns, sequence: 1 })));
      expect(shown.flatMap(({ times }) => [...times])).toEqual(winners(all, new Set()).map(([time]) => time));
    });
    fc.assert(property, { numRuns: 500 });
  });

  test("leaves no small rest", () => {
    const day = block(
      Array.from({ length: 2_900 }, (_, i) => i),
      0,
      1,
    );
    const sizes = stackBlocks([day], { samples: 1_000, spanMs: 1e9 }).map(
      ([first]) => first!.columns.times.length,
    );
    expect(sizes).toEqual([1_000, 1_000, 900]);
    expect(stackBlocks([day], { samples: 2_000, spanMs: 1e9 })).toHaveLength(1);
  });
});
