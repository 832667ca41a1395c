import { concatColumns, pickColumns, sameFormat, viewOf } from "@wellapi/series";
import type { Run } from "../blocks/winners.ts";
import { MINUTE_MS, minuteOf } from "../model/merge-rule.ts";
import { type Source, sourceKey } from "../model/provenance.ts";

/** Samples of one minute, of the series that has won it: positions [from, to) of a run. */
interface Piece {
  readonly minute: number;
  readonly choice: number;
  readonly run: Run;
  readonly from: number;
  readonly to: number;
}

/** Samples of consecutive minutes that one series has won; of one source and format. */
export interface Stretch extends Run {
  /** Position of its series in the rule's order. */
  readonly choice: number;
}

/** A series that lost minutes of a stretch. */
export interface Loser {
  readonly choice: number;
  readonly source: Source;
  readonly minutes: number;
}

/** What one series lost: minutes, ascending, and its source there. */
interface Losses {
  readonly minutes: number[];
  readonly source: Source;
}

/** Minutes of losers that are held at a time: more make a page shorter. */
const MOST_LOSSES = 100_000;

/**
 * One line of the samples of several series, which come one series after another in the order of the rule: so a minute is of the
 * first that has samples in it. Holds about `most` samples and what others lost in their minutes, however many series
 * there are and however long they are.
 */
export interface MergedLine {
  /** Minutes from here on (UTC milliseconds) are not needed for this page. It falls while series come. */
  readonly end: number;
  /** Gives a minute away before the first series comes; `undefined`: to nobody. */
  reserve(minute: number, choice: number | undefined): void;
  /** Adds samples of a series, ascending; false where no more of the series is needed. */
  add(choice: number, run: Run): boolean;
  /** Says that all of a series has come that is needed. */
  settle(): void;
  /** The line up to `end`, by time. */
  stretches(): Stretch[];
  /** Who lost minutes of a stretch, or of a part of it, in the order of the rule. */
  losers(stretch: Stretch): Loser[];
}

export function createMergedLine(most: number, end: number, mostLosses = MOST_LOSSES): MergedLine {
  return new HeldLine(most, end, mostLosses);
}

class HeldLine implements MergedLine {
  readonly #most: number;
  readonly #mostLosses: number;
  #end: number;
  #pieces: Piece[] = [];
  /** The series that has won a minute. */
  readonly #owners = new Map<number, number | undefined>();
  readonly #losses = new Map<number, Losses>();
  #lost = 0;
  /** Samples of the present series that are held. */
  #own = 0;

  constructor(most: number, end: number, mostLosses: number) {
    this.#most = most;
    this.#end = end;
    this.#mostLosses = mostLosses;
  }

  get end(): number {
    return this.#end;
  }

  reserve(minute: number, choice: number | undefined): void {
    this.#owners.set(minute, choice);
  }

  add(choice: number, run: Run): boolean {
    const won: { minute: number; from: number; to: number }[] = [];
    const { times } = run.columns;
    for (let from = 0; from < times.length; ) {
      const minute = minuteOf(times[from]!);
      if (minute * MINUTE_MS >= this.#end || this.#own > this.#most) break;
      let to = from + 1;
      while (to < times.length && minuteOf(times[to]!) === minute) to++;
      if (!this.#owners.has(minute)) this.#owners.set(minute, choice);
      if (this.#owners.get(minute) === choice) {
        // One more than fits shows that there is more.
        const held = Math.min(to, from + this.#most + 1 - this.#own);
        won.push({ minute, from, to: held });
        this.#own += held - from;
      } else this.#lose(choice, minute, run.source);
      from = to;
    }
    this.#hold(choice, run, won);
    return this.#own <= this.#most && minuteOf(times.at(-1)!) * MINUTE_MS < this.#end;
  }

  settle(): void {
    this.#own = 0;
    // Stable: samples of one series stay in their order.
    this.#pieces.sort((a, b) => a.minute - b.minute);
    let held = 0;
    for (const { minute, from, to } of this.#pieces) {
      held += to - from;
      if (held > this.#most) {
        this.#cut((minute + 1) * MINUTE_MS);
        break;
      }
    }
  }

  stretches(): Stretch[] {
    const parts: Piece[][] = [];
    for (const piece of this.#pieces) {
      const last = parts.at(-1);
      if (last !== undefined && joins(last.at(-1)!, piece)) last.push(piece);
      else parts.push([piece]);
    }
    return parts.map(stretchOf);
  }

  losers({ choice, columns }: Stretch): Loser[] {
    const { times } = columns;
    const [first, last] = [minuteOf(times[0]!), minuteOf(times.at(-1)!)];
    const losers: Loser[] = [];
    for (const [loser, { minutes, source }] of this.#losses) {
      // A minute that two pages share may meanwhile have samples of a series that comes before.
      if (loser < choice) continue;
      const count = firstFrom(minutes, last + 1) - firstFrom(minutes, first);
      if (count > 0) losers.push({ choice: loser, source, minutes: count });
    }
    return losers;
  }

  #lose(choice: number, minute: number, source: Source): void {
    const known = this.#losses.get(choice);
    if (known === undefined) this.#losses.set(choice, { minutes: [minute], source });
    // Observations of one time come in several runs.
    else if (known.minutes.at(-1) === minute) return;
    else known.minutes.push(minute);
    this.#lost++;
    if (this.#lost > this.#mostLosses && this.#owners.size > 1) this.#halve();
  }

  #halve(): void {
    const minutes = [...this.#owners.keys()].sort((a, b) => a - b);
    this.#cut(minutes[Math.ceil(minutes.length / 2)]! * MINUTE_MS);
  }

  /** In memory of its own: a run is a view of a whole block. */
  #hold(choice: number, run: Run, won: readonly { minute: number; from: number; to: number }[]): void {
    const kept = won.filter(({ minute }) => minute * MINUTE_MS < this.#end);
    const positions = kept.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at));
    if (positions.length === 0) return;
    const ranks = run.ranks?.();
    const picked = ranks && Float64Array.from(positions, (position) => ranks[position]!);
    const own: Run = {
      source: run.source,
      sequence: run.sequence,
      columns: pickColumns(run.columns, Uint32Array.from(positions)),
      ...(picked && { ranks: () => picked }),
    };
    let at = 0;
    for (const { minute, from, to } of kept) {
      this.#pieces.push({ minute, choice, run: own, from: at, to: at + to - from });
      at += to - from;
    }
  }

  #cut(end: number): void {
    if (end >= this.#end) return;
    this.#end = end;
    this.#pieces = this.#pieces.filter(({ minute }) => minute * MINUTE_MS < end);
    for (const minute of this.#owners.keys()) if (minute * MINUTE_MS >= end) this.#owners.delete(minute);
    this.#lost = 0;
    for (const [choice, { minutes, source }] of this.#losses) {
      const left = minutes.filter((minute) => minute * MINUTE_MS < end);
      this.#lost += left.length;
      if (left.length === 0) this.#losses.delete(choice);
      else this.#losses.set(choice, { minutes: left, source });
    }
  }
}

/** The first position of an ascending list whose number is `least` or more. */
function firstFrom(ascending: readonly number[], least: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function joins(last: Piece, next: Piece): boolean {
  if (last.choice !== next.choice) return false;
  if (last.run === next.run) return true;
  const [before, after] = [last.run.columns, next.run.columns];
  return (
    after.values.kind !== "coded" &&
    // Observations may share a time, which columns can't.
    before.times[last.to - 1]! < after.times[next.from]! &&
    sourceKey(last.run.source) === sourceKey(next.run.source) &&
    sameFormat(before, after)
  );
}

function stretchOf(pieces: readonly Piece[]): Stretch {
  const parts: { run: Run; from: number; to: number }[] = [];
  for (const { run, from, to } of pieces) {
    const last = parts.at(-1);
    if (last !== undefined && last.run === run && last.to === from) last.to = to;
    else parts.push({ run, from, to });
  }
  const views = parts.map(({ run, from, to }) => viewOf(run.columns, from, to));
  const ranks = () =>
    Float64Array.from(parts.flatMap(({ run, from, to }) => [...run.ranks!().subarray(from, to)]));
  const { choice, run } = pieces[0]!;
  return {
    choice,
    source: run.source,
    columns: views.length === 1 ? views[0]! : concatColumns(views),
    sequence: Math.max(...parts.map((part) => part.run.sequence)),
    ...(run.ranks && { ranks }),
  };
}
