import type { Head, Holding } from "./documents.ts";

/**
 * The newest commit whose samples may have been moved. A head from before `moved_to` existed only says that some
 * were.
 */
export function movedTo({ sequence, moves = 0, moved_to }: Head): number {
  return moved_to ?? (moves > 0 ? sequence : 0);
}

const HOUR_MS = 3_600_000;

/** The last full hour of UTC. */
export function fullHour(now: number): number {
  return Math.floor(now / HOUR_MS) * HOUR_MS;
}

/**
 * What a commit of samples at `now` notes in the head, so that a reader can separate the state as of the last full
 * hour from later commits. A clock that goes back notes nothing.
 */
export function hourMark(head: Head | undefined, now: number): Pick<Head, "hour_ms" | "before_hour"> {
  const hour = fullHour(now);
  if (head?.hour_ms !== undefined && hour <= head.hour_ms) return {};
  return { hour_ms: hour, before_hour: head?.sequence ?? 0 };
}

/**
 * The highest sequence that was committed before the last full hour. About an earlier hour nothing is known any more.
 */
export function sequenceBefore({ sequence, hour_ms, before_hour = 0 }: Head, hour: number): number {
  return hour_ms === undefined || hour_ms < hour ? sequence : before_hour;
}

/** What kinds of data a commit adds, and what is held after it. */
export interface AddedData {
  readonly samples: boolean;
  readonly observations: boolean;
  readonly held?: readonly Holding[] | undefined;
}

/** The head after a commit of data at `now` that takes the patient to `sequence`. */
export function headAfterData(
  partition: string,
  before: Head | undefined,
  sequence: number,
  added: AddedData,
  now: number,
): Head {
  return {
    ...before,
    partition,
    sequence,
    erased: false,
    ...hourMark(before, now),
    ...(added.observations ? { observed_to: sequence } : {}),
    ...(added.samples ? { loose_since_ms: before?.loose_since_ms ?? now } : {}),
    ...(added.held === undefined ? {} : { held: added.held }),
  };
}

/** The head after the commit of a retraction. `moved`: it moved samples into other blocks. */
export function headAfterRetraction({ sequence, moves = 0 }: Head, moved: boolean) {
  return { sequence: sequence + 1, erased: false, ...(moved ? { moves: moves + 1 } : {}) };
}

/** The head after the commit that begins an erasure: compaction, among others, skips the patient. */
export function headAfterErasure(before: Head | undefined) {
  return { sequence: (before?.sequence ?? 0) + 1, erased: true, loose_since_ms: undefined, held: undefined };
}

/** The head after the commit of merged blocks. `newest` is the newest commit whose samples were moved. */
export function headAfterMerge(before: Head, newest: number): Head {
  return { ...before, moves: (before.moves ?? 0) + 1, moved_to: Math.max(movedTo(before), newest) };
}

/**
 * The head after compaction has processed all commits up to `until`, in a pass that began at `began`. Commits that
 * came meanwhile wait since then.
 */
export function headAfterPass(before: Head, until: number, began: number): Head {
  return { ...before, compacted: until, loose_since_ms: before.sequence > until ? began : undefined };
}
