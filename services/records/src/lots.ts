import type { Coding, ExactDecimal } from "@wellapi/series";
import type { Interval } from "./interval.ts";

/** The buckets that lots are made of, finest first. */
export const LOT_LEVELS = ["hour", "day", "month"] as const;
export type LotLevel = (typeof LOT_LEVELS)[number];

/** A column of numbers, as its sender wrote it. */
export interface NumberFormat {
  /** Null for a decimal column. */
  readonly coding: Coding | null;
  /** UCUM. */
  readonly unit: string;
}

/**
 * Samples of one series and format that readers of hourly or daily data are told together, and never apart: some are
 * told, and some that other lots told are taken back. Once it is made its interval, count and sums never change.
 */
export interface Lot extends Interval {
  /** Unique within the series. */
  readonly id: number;
  readonly level: LotLevel;
  /** One a component. */
  readonly formats: readonly NumberFormat[];
  /** Samples that it tells. */
  readonly added: number;
  /** How many samples of other lots it takes back, by lot. */
  readonly takes: ReadonlyMap<number, number>;
  /** Of the samples that it tells less those that it takes back; one a component. */
  readonly sums: readonly ExactDecimal[];
  /** How many of those that it told were not taken back, */
  left: number;
  /** and their sums. */
  leftSums: readonly ExactDecimal[];
}

/** What a lot adds to the count of a bucket; negative where it takes back more than it tells. */
export function countOf({ added, takes }: Lot): number {
  let count = added;
  for (const taken of takes.values()) count -= taken;
  return count;
}

/** What is known of the lots of a series, of some stretch of time. */
export interface Lots {
  get(id: number): Lot | undefined;
  /** The lots that take back samples of this one. */
  takersOf(id: number): readonly Lot[];
  add(lot: Lot): void;
}

export function createLots(known: Iterable<Lot>): Lots {
  const byId = new Map<number, Lot>();
  const takers = new Map<number, Lot[]>();
  const lots: Lots = {
    get: (id) => byId.get(id),
    takersOf: (id) => takers.get(id) ?? [],
    add(lot) {
      byId.set(lot.id, lot);
      for (const id of lot.takes.keys()) {
        const others = takers.get(id);
        if (others === undefined) takers.set(id, [lot]);
        else others.push(lot);
      }
    },
  };
  for (const lot of known) lots.add(lot);
  return lots;
}

/**
 * Whether a lot may be made, so that still nothing that can be reckoned from the answers, by whatever sums and
 * differences, is of fewer than `least` samples.
 *
 * Answers are sums of lots. Someone who weighs lot `l` with a whole number `w(l)` learns the sum of the samples, each
 * weighted with `w(a) − w(r)`, where `a` tells it and `r` takes it back (0 where none does). So take lots as the nodes
 * of a graph, with one more of weight 0 for what was not taken back, and each sample as an edge between the two of it:
 * what is learned is of as many samples as there are edges whose ends weigh differently. The fewest of these is the
 * graph's smallest cut, hence each connected part of it must have cuts of at least `least` edges.
 *
 * A new lot moves edges from the node of what is left to itself. A cut that has both on one side is as large as before.
 * So only those count that part the two: by the theorem of Ford and Fulkerson the smallest is the largest flow between
 * them. Where it is 0, what the lot takes back is all that was left of what it belongs to, and the lot stands where
 * the other node stood.
 *
 * @param added samples that it tells
 * @param takes how many it takes back, by lot
 */
export function mayBeMade(
  lots: Lots,
  added: number,
  takes: ReadonlyMap<number, number>,
  least: number,
): boolean {
  if (added >= least) return true;
  const flow = flowOf(lots, added, takes, least);
  return flow !== undefined && (flow === 0 || flow >= least);
}

const LEFT = -1;
const NEW = -2;

/** The largest flow from the new lot to what is left, as far as `enough`; undefined where not all lots are known. */
function flowOf(
  lots: Lots,
  added: number,
  takes: ReadonlyMap<number, number>,
  enough: number,
): number | undefined {
  const graph = graphOf(lots, added, takes);
  if (graph === undefined) return undefined;
  let flow = 0;
  while (flow < enough) {
    const more = augment(graph);
    if (more === 0) break;
    flow += more;
  }
  return flow;
}

type Graph = Map<number, Map<number, number>>;

/** The part of the graph in which the new lot lies. */
function graphOf(lots: Lots, added: number, takes: ReadonlyMap<number, number>): Graph | undefined {
  const graph: Graph = new Map([
    [LEFT, new Map()],
    [NEW, new Map()],
  ]);
  const join = (a: number, b: number, samples: number) => {
    if (samples === 0) return;
    graph.get(a)!.set(b, samples);
    graph.get(b)!.set(a, samples);
  };
  const reached: number[] = [];
  const reach = (id: number) => {
    if (graph.has(id)) return;
    graph.set(id, new Map());
    reached.push(id);
  };
  join(NEW, LEFT, added);
  for (const [id, samples] of takes) {
    reach(id);
    join(NEW, id, samples);
  }
  for (let id = reached.pop(); id !== undefined; id = reached.pop()) {
    const lot = lots.get(id);
    if (lot === undefined) return undefined;
    join(id, LEFT, lot.left - (takes.get(id) ?? 0));
    let taken = 0;
    for (const taker of lots.takersOf(id)) {
      const samples = taker.takes.get(id)!;
      taken += samples;
      reach(taker.id);
      join(id, taker.id, samples);
    }
    if (taken !== lot.added - lot.left) return undefined;
    for (const [other, samples] of lot.takes) {
      reach(other);
      join(id, other, samples);
    }
  }
  return graph;
}

/** Sends what it can along one shortest way, and notes what may be sent back. */
function augment(graph: Graph): number {
  const before = new Map<number, number>([[NEW, NEW]]);
  const waiting = [NEW];
  for (const node of waiting) {
    for (const [next, samples] of graph.get(node)!) {
      if (samples === 0 || before.has(next)) continue;
      before.set(next, node);
      waiting.push(next);
    }
  }
  if (!before.has(LEFT)) return 0;
  let most = Number.POSITIVE_INFINITY;
  for (let node = LEFT; node !== NEW; node = before.get(node)!) {
    most = Math.min(most, graph.get(before.get(node)!)!.get(node)!);
  }
  for (let node = LEFT; node !== NEW; node = before.get(node)!) {
    const from = before.get(node)!;
    graph.get(from)!.set(node, graph.get(from)!.get(node)! - most);
    graph.get(node)!.set(from, graph.get(node)!.get(from)! + most);
  }
  return most;
}
