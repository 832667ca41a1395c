import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interval } from "../src/interval.ts";
import { countOf, createLots, type Lot, mayBeMade } from "../src/lots.ts";
import { release, type ToldSamples } from "../src/release.ts";

const HOUR = 60;
const DAY = 6 * HOUR;
const DAYS = 3;
const MONTH = DAYS * DAY;
/** Of a sum, the digits to this base say how often each sample is in it, if that is at most once. */
const BASE = 4;
const DIGITS = 26;
const COMPONENTS = 12;

interface Sample {
  readonly time: number;
  /** Its rank, and which it is. */
  readonly id: number;
}

const slot = fc.integer({ min: 0, max: MONTH / 10 - 1 }).map((at) => at * 10);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      times: fc.uniqueArray(slot, { maxLength: 9 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("hour" as const),
      from: fc.nat(MONTH / HOUR - 1).map((hour) => hour * HOUR),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("drop" as const),
      from: slot,
      to: slot,
      every: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("tell" as const),
      until: fc.constantFrom(HOUR, DAY, DAY + HOUR, MONTH),
    }),
  },
);

function whole(length: number, until: number): Interval[] {
  return Array.from({ length: MONTH / length }, (_, i) => ({
    from: i * length,
    to: (i + 1) * length,
  })).filter(({ to }) => to <= until);
}

const decimals = { coding: null, unit: "", scale: 0 };

function runOf(samples: readonly Sample[]) {
  return {
    times: Float64Array.from(samples, ({ time }) => time),
    ranks: Float64Array.from(samples, ({ id }) => id),
    components: Array.from({ length: COMPONENTS }, (_, c) => ({
      ...decimals,
      unit: `c${c}`,
      mantissas: Float64Array.from(samples, ({ id }) =>
        Math.floor(id / DIGITS) === c ? BASE ** (id % DIGITS) : 0,
      ),
    })),
  };
}

/** How often each sample is in the lot: 1, 0 or −1. */
function vectorOf(lot: Lot): number[] {
  return lot.sums.flatMap(({ mantissa }) => {
    let rest = mantissa;
    return Array.from({ length: DIGITS }, () => {
      const digit = Number(((rest % 4n) + 4n) % 4n);
      const value = digit === 3 ? -1 : digit;
      rest = (rest - BigInt(value)) / 4n;
      return value;
    });
  });
}

/** The fewest samples in anything but nothing that comes of the lots with weights from −1 to 1. */
function fewestOf(vectors: readonly number[][]): number {
  const columns = Map.groupBy(
    Array.from({ length: vectors[0]?.length ?? 0 }, (_, i) => vectors.map((vector) => vector[i]!)),
    (column) => column.join(),
  );
  const atoms = [...columns.values()].map((same) => ({ column: same[0]!, samples: same.length }));
  let fewest = Number.POSITIVE_INFINITY;
  const weights = vectors.map(() => 0);
  const walk = (at: number): void => {
    if (at < weights.length) {
      for (const weight of [-1, 0, 1]) {
        weights[at] = weight;
        walk(at + 1);
      }
      return;
    }
    let samples = 0;
    for (const atom of atoms) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * atom.column[i]!;
      if (sum !== 0) samples += atom.samples;
    }
    if (samples > 0 && samples < fewest) fewest = samples;
  };
  walk(0);
  return fewest;
}

/** Lots of a month, while what is shown changes. */
function createMonth(least: number) {
  const lots: Lot[] = [];
  let told: ToldSamples = {
    times: new Float64Array(0),
    ranks: new Float64Array(0),
    lots: new Float64Array(0),
  };
  return {
    lots,
    get told() {
      return told;
    },
    tell(shown: readonly Sample[], until: number) {
      const sorted = shown.filter(({ time }) => time < until).sort((a, b) => a.time - b.time);
      // In two runs, as of two sources.
      const middle = sorted.length >> 1;
      const runs = [sorted.slice(0, middle), sorted.slice(middle)]
        .filter(({ length }) => length > 0)
        .map(runOf);
      const made = release({
        lots: createLots(lots),
        told,
        shown: runs,
        buckets: { hour: whole(HOUR, until), day: whole(DAY, until), month: whole(MONTH, until) },
        least,
        nextId: () => lots.length + made0.count++ + 1,
      });
      made0.count = 0;
      told = made.told;
      lots.push(...made.made);
      return made;
    },
  };
}
const made0 = { count: 0 };

describe("lots", () => {
  it("never tell fewer samples than they must, whatever is added and subtracted, sent again and taken back", () => {
    let taking = 0;
    let many = 0;
    const property = fc.property(
      fc.array(step, { minLength: 6, maxLength: 30, size: "max" }),
      fc.constantFrom(2, 3, 5),
      (steps, least) => {
        const month = createMonth(least);
        let shown = new Map<number, Sample>();
        let next = 0;
        const put = (times: readonly number[]) => {
          for (const time of times) if (next < DIGITS * COMPONENTS) shown.set(time, { time, id: next++ });
        };
        for (const one of steps) {
          if (one.kind === "send") put(one.times);
          if (one.kind === "hour") put(Array.from({ length: one.count }, (_, i) => one.from + i * 10));
          if (one.kind === "drop") {
            shown = new Map(
              [...shown].filter(([time], i) => time < one.from || time >= one.to || i % one.every !== 0),
            );
          }
          if (one.kind === "tell" && month.lots.length < 7) month.tell([...shown.values()], one.until);
        }
        const vectors = month.lots.map(vectorOf);
        for (const [i, lot] of month.lots.entries()) {
          expect(vectors[i]!.reduce((a, b) => a + b, 0)).toBe(countOf(lot));
          expect(vectors[i]!.filter((value) => value > 0)).toHaveLength(lot.added);
        }
        if (month.lots.some(({ takes }) => takes.size > 0)) taking++;
        if (month.lots.length > 3) many++;
        if (month.lots.length <= 9) expect(fewestOf(vectors)).toBeGreaterThanOrEqual(least);
        // What is told, lot by lot, is what is left of them.
        const left = Map.groupBy(month.told.lots, (id) => id);
        for (const { id, left: count } of month.lots) expect(left.get(id)?.length ?? 0).toBe(count);
      },
    );
    fc.assert(property, { numRuns: 1_500 });
    expect(taking).toBeGreaterThan(300);
    expect(many).toBeGreaterThan(300);
  }, 120_000);
});
void mayBeMade;
