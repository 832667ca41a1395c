import type { Coding, ExactDecimal } from "@wellapi/series";
import type { Interval } from "../model/interval.ts";

/** The buckets of which lots are made, finest first. */
export const LOT_LEVELS = ["hour", "day", "month"] as const;
export type LotLevel = (typeof LOT_LEVELS)[number];

/** A column of numbers, as its sender wrote it. */
export interface NumberFormat {
  /** Null for a decimal column. */
  readonly coding: Coding | null;
  /** UCUM. */
  readonly unit: string;
}

export function isLonger(level: LotLevel, than: LotLevel): boolean {
  return LOT_LEVELS.indexOf(level) > LOT_LEVELS.indexOf(than);
}

/**
 * Samples of one series and format that readers of hourly or daily data are told together, and never apart. A lot
 * tells samples, and takes back samples that other lots told. Its interval, count and sums never change.
 */
export interface Lot extends Interval {
  /** Unique within the series. */
  readonly id: number;
  readonly level: LotLevel;
  /** One a component. */
  readonly formats: readonly NumberFormat[];
  /** How many samples it tells, and how many it takes back. */
  readonly added: number;
  readonly removed: number;
  /** Sums of the samples that it tells, minus those that it takes back; one for each component. */
  readonly sums: readonly ExactDecimal[];
  /** The samples that it told last and that no lot has taken back: their count, and their sums. */
  left: number;
  leftSums: readonly ExactDecimal[];
  /** How many of those it was the first to tell. */
  plain: number;
  /** How many samples that it told first are taken back now, and were not told again. */
  lost: number;
  /** The same for the samples that it took back, by the lot that had told them. */
  readonly takes: Map<number, number>;
  /** Whether it told or took back a sample that was told more than once. */
  tangled: boolean;
}

/** The count that a lot adds to a bucket; negative where it takes back more than it tells. */
export function countOf({ added, removed }: Lot): number {
  return added - removed;
}

/** Samples by the lot that took them back and the lot that had told them. */
type Freed = ReadonlyMap<number, ReadonlyMap<number, number>>;

/** The known lots of a series, for a stretch of time. */
export interface Lots {
  get(id: number): Lot | undefined;
  /** The lots that take back samples of this lot. */
  takersOf(id: number): readonly Lot[];
  /**
   * Whether every lot that reaches into the interval lies within it; lots of longer buckets than these do not count.
   */
  areWithin(interval: Interval, level: LotLevel): boolean;
  /** Adds a lot, which tells samples again that others took back; returns the ids of the lots that this changes. */
  add(lot: Lot, freed: Freed): ReadonlySet<number>;
}

export function createLots(known: Iterable<Lot>): Lots {
  const byId = new Map<number, Lot>();
  const takers = new Map<number, Lot[]>();

  function put(lot: Lot): void {
    byId.set(lot.id, lot);
    for (const id of lot.takes.keys()) {
      const others = takers.get(id);
      if (others === undefined) takers.set(id, [lot]);
      else others.push(lot);
    }
  }

  for (const lot of known) put(lot);
  return {
    get: (id) => byId.get(id),
    takersOf: (id) => takers.get(id) ?? [],
    areWithin: ({ from, to }, level) =>
      [...byId.values()].every((lot) => {
        if (lot.from >= to || lot.to <= from || isLonger(lot.level, level)) return true;
        return from <= lot.from && lot.to <= to;
      }),
    add(lot, freed) {
      const changed = new Set<number>();
      for (const [id, samples] of lot.takes) {
        const teller = byId.get(id)!;
        teller.plain -= samples;
        teller.lost += samples;
        changed.add(id);
      }
      for (const [takerId, tellers] of freed) {
        const taker = byId.get(takerId)!;
        taker.tangled = true;
        changed.add(takerId);
        for (const [id, samples] of tellers) {
          const teller = byId.get(id)!;
          teller.lost -= samples;
          teller.tangled = true;
          taker.takes.set(id, taker.takes.get(id)! - samples);
          changed.add(id);
        }
      }
      put(lot);
      return changed;
    },
  };
}

/** The samples that a lot would tell and take back. */
export interface Proposal {
  /** Samples that no lot told before. */
  readonly fresh: number;
  /** Samples that were told once, by the lot that told them. */
  readonly takes: ReadonlyMap<number, number>;
  /** Samples that it tells for the second time. */
  readonly freed: Freed;
  /** Whether any sample that it tells or takes back was told more than once, this time counted. */
  readonly tangled: boolean;
}

/**
 * Whether a lot may be made: afterwards, every value that a reader can compute from answers, by any sums and
 * differences, must still cover at least `least` samples.
 *
 * Answers are sums of lots. A reader who weighs lot `l` with a whole number `w(l)` learns the sum of the samples,
 * each weighted with `w(a) − w(r)`, where `a` tells it and `r` takes it back (0 where none does). So take lots as the
 * nodes of a graph, with one more node of weight 0 for samples that were not taken back, and each sample as an edge
 * between its two nodes: the reader learns about as many samples as there are edges whose ends have different
 * weights. It is enough to look at the newest lot that has a weight, at the time when it is made: at least `least`
 * edges must separate it from the node of weight 0, whatever the weights of the others. By the theorem of Ford and
 * Fulkerson the smallest number of such edges equals the largest flow between the two.
 *
 * A sample that was told for a second time is an edge of no graph; it is left out, so the count is too low rather
 * than too high. Where the flow is 0 and nothing was left out, the lot takes back all that was left of its part of
 * the graph: it stands where the other node stood, and the reader learns nothing new.
 */
export function mayBeMade(lots: Lots, proposal: Proposal, least: number): boolean {
  if (proposal.fresh >= least) return true;
  const graph = graphOf(lots, proposal);
  if (graph === undefined) return false;
  const flow = flowOf(graph, least);
  return flow >= least || (flow === 0 && !proposal.tangled && !isTangled(lots, graph));
}

const LEFT = -1;
const NEW = -2;

/** Edges by their two ends, in both directions. */
type Graph = Map<number, Map<number, number>>;

function isTangled(lots: Lots, graph: Graph): boolean {
  return [...graph.keys()].some((id) => lots.get(id)?.tangled);
}

/** The largest flow from the new lot to the other node, up to `enough`. */
function flowOf(graph: Graph, enough: number): number {
  let flow = 0;
  while (flow < enough) {
    const more = augment(graph);
    if (more === 0) break;
    flow += more;
  }
  return flow;
}

/** The part of the graph with the new lot; undefined where some of its lots are unknown. */
function graphOf(lots: Lots, { fresh, takes, freed }: Proposal): Graph | undefined {
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
  const between = (taker: Lot, id: number) => taker.takes.get(id)! - (freed.get(taker.id)?.get(id) ?? 0);
  join(NEW, LEFT, fresh);
  for (const [id, samples] of takes) {
    reach(id);
    join(NEW, id, samples);
  }
  for (let id = reached.pop(); id !== undefined; id = reached.pop()) {
    const lot = lots.get(id);
    if (lot === undefined) return undefined;
    join(id, LEFT, lot.plain - (takes.get(id) ?? 0));
    let lost = 0;
    for (const taker of lots.takersOf(id)) {
      lost += taker.takes.get(id)!;
      const samples = between(taker, id);
      if (samples > 0) reach(taker.id);
      if (samples > 0) join(id, taker.id, samples);
    }
    if (lost !== lot.lost) return undefined;
    for (const other of lot.takes.keys()) {
      const samples = between(lot, other);
      if (samples > 0) reach(other);
      if (samples > 0) join(id, other, samples);
    }
  }
  return graph;
}

/** Sends as much as possible along one shortest path, and notes what may be sent back. */
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
