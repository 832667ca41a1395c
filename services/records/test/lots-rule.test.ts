import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  countOf,
  createLots,
  isLonger,
  LOT_LEVELS,
  type Lot,
  mayBeMade,
  type Proposal,
} from "../src/lots/lots.ts";

function lot(id: number, more: Partial<Lot> = {}): Lot {
  return {
    ...{ id, level: "hour", from: 0, to: 10, formats: [], added: 5, removed: 0, sums: [] },
    ...{ left: 5, leftSums: [], plain: 5, lost: 0, takes: new Map(), tangled: false },
    ...more,
  };
}

const proposal = (more: Partial<Proposal>): Proposal => {
  return { fresh: 0, takes: new Map(), freed: new Map(), tangled: false, ...more };
};

describe("levels of lots", () => {
  it("grow from the hour to the month", () => {
    const longer = LOT_LEVELS.map((level) => LOT_LEVELS.map((than) => isLonger(level, than)));
    expect(longer).toEqual([
      [false, false, false],
      [true, false, false],
      [true, true, false],
    ]);
  });

  it("count what a lot tells less what it takes back", () => {
    expect(countOf(lot(1, { added: 7, removed: 9 }))).toBe(-2);
  });
});

describe("what is known of lots", () => {
  it("finds them by their id, and those that take back samples of one", () => {
    const [a, b, c] = [
      lot(1),
      lot(2, { takes: new Map([[1, 3]]) }),
      lot(3, {
        takes: new Map([
          [1, 1],
          [2, 2],
        ]),
      }),
    ];
    const lots = createLots([a, b, c]);
    expect([lots.get(1), lots.get(3), lots.get(4)]).toEqual([a, c, undefined]);
    expect([1, 2, 3].map((id) => lots.takersOf(id).map((taker) => taker.id))).toEqual([[2, 3], [3], []]);
  });

  it("says whether all that reach into an interval lie within it, but for those of longer buckets", () => {
    const within = (...all: Partial<Lot>[]) =>
      createLots(all.map((one, id) => lot(id + 1, one))).areWithin({ from: 10, to: 20 }, "day");
    expect(within()).toBe(true);
    expect(within({ from: 10, to: 20 }, { from: 12, to: 15 })).toBe(true);
    expect(within({ from: 0, to: 10 }, { from: 20, to: 30 })).toBe(true);
    expect(within({ from: 9, to: 20 })).toBe(false);
    expect(within({ from: 10, to: 21 })).toBe(false);
    expect(within({ from: 0, to: 30 })).toBe(false);
    expect(within({ from: 19, to: 30, level: "day" })).toBe(false);
    expect(within({ from: 0, to: 30, level: "month" })).toBe(true);
    expect(within({ from: 12, to: 15 }, { from: 0, to: 11 })).toBe(false);
    expect(within({ from: 0, to: 11 }, { from: 12, to: 15 })).toBe(false);
  });

  it("notes in others what a new one takes back from them and tells again, and which these are", () => {
    const [a, b, c, d] = [
      lot(1, { plain: 5, lost: 2 }),
      lot(2, { takes: new Map([[1, 2]]) }),
      lot(3, { plain: 4, lost: 1 }),
      lot(4),
    ];
    const lots = createLots([a, b, c, d]);
    const fresh = lot(5, { takes: new Map([[3, 3]]) });
    // Two of lot 1, which lot 2 took back, are told again; three of lot 3 are taken back.
    expect(lots.add(fresh, new Map([[2, new Map([[1, 2]])]]))).toEqual(new Set([1, 2, 3]));
    expect([a.plain, a.lost, a.tangled]).toEqual([5, 0, true]);
    expect([b.takes.get(1), b.tangled]).toEqual([0, true]);
    expect([c.plain, c.lost, c.tangled]).toEqual([1, 4, false]);
    expect([d.plain, d.lost, d.tangled]).toEqual([5, 0, false]);
    expect(lots.get(5)).toBe(fresh);
    expect(lots.takersOf(3)).toEqual([fresh]);
  });
});

interface Spec {
  readonly plain: readonly number[];
  readonly tangled: readonly boolean[];
  /** How many lot `j` took back of the earlier lot `i`. */
  readonly taken: readonly (readonly number[])[];
  readonly fresh: number;
  readonly takes: readonly number[];
  readonly freed: readonly (readonly number[])[];
  readonly undecided: boolean;
  readonly least: number;
}

const MOST = 5;
const few = fc.constantFrom(0, 0, 0, 1, 2, 3, 5);
const row = fc.array(few, { minLength: MOST, maxLength: MOST });
const specs: fc.Arbitrary<Spec> = fc.record({
  plain: row,
  tangled: fc.array(fc.constantFrom(false, false, false, true), { minLength: MOST, maxLength: MOST }),
  taken: fc.array(row, { minLength: MOST, maxLength: MOST }),
  fresh: fc.nat(3),
  takes: row,
  freed: fc.array(row, { minLength: MOST, maxLength: MOST }),
  undecided: fc.boolean(),
  least: fc.integer({ min: 2, max: 7 }),
});

/** Lots 1 to 5, and a new one, as `mayBeMade` is asked; and the samples as edges of the graph of its comment. */
function sceneOf(spec: Spec) {
  const [LEFT, NEW] = [0, MOST + 1];
  const edges: [number, number, number][] = [[NEW, LEFT, spec.fresh]];
  const takes = spec.takes.map((count, i) => Math.min(count, spec.plain[i]!));
  const freed = new Map<number, Map<number, number>>();
  const lots = spec.plain.map((plain, i) => {
    edges.push([i + 1, LEFT, plain - takes[i]!], [NEW, i + 1, takes[i]!]);
    const of = new Map<number, number>();
    for (let earlier = 0; earlier < i; earlier++) {
      const count = spec.taken[i]![earlier]!;
      if (count === 0) continue;
      of.set(earlier + 1, count);
      const again = Math.min(count, spec.freed[i]![earlier]!);
      if (again > 0) freed.set(i + 1, (freed.get(i + 1) ?? new Map()).set(earlier + 1, again));
      edges.push([i + 1, earlier + 1, count - again]);
    }
    return lot(i + 1, { plain, takes: of, tangled: spec.tangled[i]! });
  });
  for (const one of lots) one.lost = lots.reduce((sum, { takes: of }) => sum + (of.get(one.id) ?? 0), 0);
  const named = new Map(takes.flatMap((count, i) => (count > 0 ? [[i + 1, count] as const] : [])));
  return {
    lots: createLots(lots),
    proposal: proposal({ fresh: spec.fresh, takes: named, freed, tangled: spec.undecided }),
    edges: edges.filter(([, , samples]) => samples > 0),
    tangled: spec.tangled,
  };
}

/** The fewest samples between the two, however the others are weighed: all ways are tried. */
function fewestBetween(edges: readonly (readonly [number, number, number])[]): number {
  let fewest = Number.POSITIVE_INFINITY;
  for (let weights = 0; weights < 2 ** MOST; weights++) {
    const weight = (node: number) => (node === 0 ? 0 : node > MOST ? 1 : (weights >> (node - 1)) & 1);
    const parted = edges.reduce((sum, [a, b, samples]) => sum + (weight(a) === weight(b) ? 0 : samples), 0);
    fewest = Math.min(fewest, parted);
  }
  return fewest;
}

function reachedFrom(edges: readonly (readonly [number, number, number])[]): Set<number> {
  const reached = new Set([MOST + 1]);
  for (let size = 0; size < reached.size; ) {
    size = reached.size;
    for (const [a, b] of edges) {
      // Not beyond what is left: it stands for itself.
      if (reached.has(a) && a !== 0) reached.add(b);
      if (reached.has(b) && b !== 0) reached.add(a);
    }
  }
  return reached;
}

describe("whether a lot may be made", () => {
  it("is what every way of weighing the others says", () => {
    const seen = { made: 0, refused: 0, nothing: 0 };
    const property = fc.property(specs, (spec) => {
      const { lots, proposal: asked, edges, tangled } = sceneOf(spec);
      const fewest = fewestBetween(edges);
      const whole = [...reachedFrom(edges)].every((node) => node === 0 || node > MOST || !tangled[node - 1]);
      const expected =
        spec.fresh >= spec.least || fewest >= spec.least || (fewest === 0 && !spec.undecided && whole);
      expect(mayBeMade(lots, asked, spec.least)).toBe(expected);
      if (expected && fewest > 0 && spec.fresh < spec.least) seen.made++;
      if (!expected) seen.refused++;
      if (expected && fewest === 0) seen.nothing++;
    });
    fc.assert(property, { numRuns: 3_000 });
    expect(Math.min(seen.made, seen.refused, seen.nothing)).toBeGreaterThan(50);
  });

  it("is yes for enough samples that nobody knows, whatever else is in it", () => {
    const unknown = proposal({ fresh: 5, takes: new Map([[9, 1]]), tangled: true });
    expect(mayBeMade(createLots([]), unknown, 5)).toBe(true);
    expect(mayBeMade(createLots([]), proposal({ fresh: 4 }), 5)).toBe(false);
    expect(mayBeMade(createLots([]), proposal({}), 5)).toBe(true);
    expect(mayBeMade(createLots([]), proposal({ tangled: true }), 5)).toBe(false);
  });

  it("is no where a lot is not known, or not all that took back from it", () => {
    const takes = new Map([[1, 5]]);
    const asked = proposal({ takes });
    expect(mayBeMade(createLots([lot(1)]), asked, 5)).toBe(true);
    expect(mayBeMade(createLots([]), asked, 5)).toBe(false);
    expect(mayBeMade(createLots([lot(1, { lost: 1 })]), asked, 5)).toBe(false);
    const taker = lot(2, { takes: new Map([[1, 5]]) });
    expect(mayBeMade(createLots([lot(1, { lost: 5 }), taker]), asked, 5)).toBe(true);
    expect(mayBeMade(createLots([lot(1, { lost: 6 }), taker]), asked, 5)).toBe(false);
    // The lot that another took from is not known: it may have been of a month that is not loaded.
    const far = lot(1, { takes: new Map([[7, 2]]) });
    expect(mayBeMade(createLots([far]), asked, 5)).toBe(false);
  });
});
