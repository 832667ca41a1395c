import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countOf, type Lot } from "../src/lots/lots.ts";
import { differencesOf, emptyTold } from "../src/lots/told-samples.ts";
import { COMPONENTS, createMonth, DAY, DIGITS, HOUR, MONTH, runOf, type Sample } from "./lots-month.ts";

const RUNS = Number(process.env.MODEL_RUNS ?? 1_500);

const hour = fc.constantFrom<number>(0, 0, 0, HOUR, HOUR, DAY, 2 * DAY);
/** Samples of an hour, one each so many of its minutes. */
const some = fc.record({
  from: hour,
  first: fc.constantFrom<number>(0, 0, 2, 5),
  count: fc.constantFrom<number>(1, 2, 3, 4, 6, 10),
});
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("send" as const), some }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("drop" as const), some }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("restore" as const),
      some,
      back: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("tell" as const),
      until: fc.constantFrom<number>(HOUR, DAY, MONTH, MONTH, MONTH),
    }),
  },
);

function timesOf({ from, first, count }: { from: number; first: number; count: number }): number[] {
  return Array.from({ length: Math.min(count, 10 - first) }, (_, i) => from + (first + i) * 6);
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

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const samples = (first: number, count: number) => ({ from: 0, first, count });
const send = (first: number, count: number): Step => ({ kind: "send", some: samples(first, count) });
const drop = (first: number, count: number): Step => ({ kind: "drop", some: samples(first, count) });
const restore = (first: number, count: number): Step => ({
  kind: "restore",
  some: samples(first, count),
  back: 1,
});
const tell: Step = { kind: "tell", until: HOUR };

/** What was got round once. */
const found: readonly [Step[], number][] = [
  // Three of the four that replaced others are taken back: what was told first and what is told then differ in one.
  [[send(0, 6), tell, send(2, 4), tell, restore(2, 3), tell], 3],
  // All goes but the two that were told twice.
  [
    [
      ...[send(0, 6), tell, send(2, 4), tell, restore(2, 2), send(6, 3), tell],
      ...[drop(0, 2), drop(4, 2), drop(6, 3), tell],
    ],
    3,
  ],
  // All but four of ten go, which had been told, taken back and told again.
  [[send(0, 10), tell, drop(0, 10), tell, restore(0, 10), tell, drop(0, 6), tell], 5],
];

describe("lots", () => {
  it("never tell fewer samples than they must, whatever is added and subtracted, sent again and taken back", async () => {
    let taking = 0;
    let many = 0;
    let again = 0;
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40, size: "max" }),
      fc.constantFrom(2, 3, 5),
      async (steps, least) => {
        const month = createMonth(least);
        const shown = new Map<number, Sample>();
        /** Of each time, the latest first. */
        const ever = new Map<number, Sample[]>();
        let next = 0;
        const put = (times: readonly number[]) => {
          for (const time of times) {
            if (next === DIGITS * COMPONENTS) return;
            const sample = { time, id: next++ };
            shown.set(time, sample);
            ever.set(time, [sample, ...(ever.get(time) ?? [])]);
          }
        };
        for (const one of steps) {
          if (one.kind === "send") put(timesOf(one.some));
          if (one.kind === "drop") for (const time of timesOf(one.some)) shown.delete(time);
          if (one.kind === "restore") {
            for (const time of timesOf(one.some)) {
              const samples = ever.get(time) ?? [];
              const earlier = samples[one.back] ?? samples[0];
              if (earlier !== undefined) shown.set(time, earlier);
            }
          }
          if (one.kind === "tell" && month.lots.length < 7) await month.tell([...shown.values()], one.until);
        }
        const vectors = month.lots.map(vectorOf);
        for (const [i, lot] of month.lots.entries()) {
          expect(vectors[i]!.reduce((a, b) => a + b, 0)).toBe(countOf(lot));
          expect(vectors[i]!.filter((value) => value > 0)).toHaveLength(lot.added);
        }
        if (month.lots.some(({ takes }) => takes.size > 0)) taking++;
        if (month.lots.length > 3) many++;
        if (month.lots.some(({ tangled }) => tangled)) again++;
        if (month.lots.length <= 9) expect(fewestOf(vectors)).toBeGreaterThanOrEqual(least);
        // What is told, lot by lot, is what is left of them.
        const { lots, takers } = month.told;
        const left = Map.groupBy(
          [...lots].filter((_, at) => takers[at] === 0),
          (id) => id,
        );
        for (const { id, left: count } of month.lots) expect(left.get(id)?.length ?? 0).toBe(count);
      },
    );
    await fc.assert(property, { numRuns: RUNS, examples: [...found] });
    expect(taking).toBeGreaterThan(RUNS / 5);
    expect(many).toBeGreaterThan(RUNS / 5);
    expect(again).toBeGreaterThan(RUNS / 30);
  }, 120_000);
});

describe("what differs from what was told", () => {
  it("is told apart by time and rank: of one instant several may be shown", () => {
    const run = (...samples: Sample[]) => runOf(samples);
    const shown = (runs: ReturnType<typeof runOf>[], told = emptyTold()) =>
      [...differencesOf(told, runs)].map(({ kind, time, rank }) => [kind, time, rank]);
    const three = [
      run({ time: 0, id: 1 }),
      run({ time: 10, id: 2 }),
      run({ time: 10, id: 3 }, { time: 20, id: 4 }),
    ];
    expect(shown(three)).toEqual([
      ["fresh", 0, 1],
      ["fresh", 10, 2],
      ["fresh", 10, 3],
      ["fresh", 20, 4],
    ]);
    const column = (...values: number[]) => Float64Array.from(values);
    const told = {
      times: column(0, 10, 10, 10, 20),
      ranks: column(1, 3, 2, 5, 4),
      lots: column(1, 1, 1, 1, 1),
      takers: column(0, 0, 0, 0, 2),
      marks: column(0, 0, 0, 0, 0),
    };
    expect(shown(three, told)).toEqual([
      ["gone", 10, 5],
      ["back", 20, 4],
    ]);
    // Without the first of the two nothing is said of the second.
    expect(shown([run({ time: 0, id: 1 }), run({ time: 10, id: 3 })], told)).toEqual([
      ["gone", 10, 2],
      ["gone", 10, 5],
    ]);
    expect(shown([], told).map(([kind]) => kind)).toEqual(["gone", "gone", "gone", "gone"]);
  });
});
