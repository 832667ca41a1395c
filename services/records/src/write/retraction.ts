import { timingSafeEqual } from "node:crypto";
import type { CompactedBlock, Strip } from "../blocks/compacted-block.ts";
import type {
  BlockDocument,
  CompactedDocument,
  ObservationBlockDocument,
  ReceiptDocument,
} from "../blocks/documents.ts";
import type { RetractedSamples } from "../blocks/retracted-samples.ts";
import { without } from "../compaction/compaction.ts";

/** Which batch: by its internal id, undefined for one that cannot be; or as its sender named it. */
export type RetractTarget = { readonly batch: string | undefined } | { readonly requestId: string };

/** The result; a repeated request gets the same. */
export interface Retraction {
  /** UTC milliseconds. */
  readonly timeMs: number;
  /** Samples and records that were hidden. */
  readonly items: number;
}

/** What a batch is to the organization that wants it taken back. */
export type Standing =
  /** Another organization's, or one of which nothing was ever stored: for the caller there is no such batch. */
  | { readonly kind: "not_found" }
  | { readonly kind: "retracted"; readonly retraction: Retraction }
  | { readonly kind: "stored" };

/** @param owner MAC of the organization */
export function standingOf({ owner: own, sequences, retraction }: ReceiptDocument, owner: string): Standing {
  const isOwn = timingSafeEqual(Buffer.from(owner), Buffer.from(own));
  if (!isOwn || sequences.length === 0) return { kind: "not_found" };
  if (retraction === undefined) return { kind: "stored" };
  return { kind: "retracted", retraction: { timeMs: retraction.time_ms, items: retraction.items } };
}

/** The commits of a batch, and the codes of what they brought. */
export interface TakenBack {
  readonly sequences: ReadonlySet<number>;
  readonly first: number;
  readonly last: number;
  readonly codes: readonly string[];
}

export function takenBackOf({ sequences, codes }: Pick<ReceiptDocument, "sequences" | "codes">): TakenBack {
  return {
    sequences: new Set(sequences),
    first: Math.min(...sequences),
    last: Math.max(...sequences),
    codes,
  };
}

/** Whether a compacted block may hold samples of the batch, as far as its place in the store tells. */
export function mayHold(
  { first_sequence, last_sequence, code }: CompactedDocument,
  { first, last, codes }: TakenBack,
): boolean {
  return first_sequence <= last && last_sequence >= first && codes.includes(code);
}

/** A compacted block of which something was taken away. */
export interface Remainder {
  readonly left: readonly Strip[];
  /** Samples that are gone. */
  readonly fewer: number;
  readonly samples: readonly RetractedSamples[];
}

/**
 * What is left of a compacted block without the samples of these commits: what those had hidden is shown again. Undefined
 * where it has none of them.
 */
export function remainderOf(
  block: CompactedBlock,
  { count, code }: Pick<CompactedDocument, "count" | "code">,
  gone: ReadonlySet<number>,
): Remainder | undefined {
  const left = without(block, gone);
  const fewer = count - left.reduce((sum, { origins }) => sum + origins.length, 0);
  return fewer === 0 ? undefined : { left, fewer, samples: samplesIn(block, gone, code) };
}

/** The samples of a block as it arrived; of a damaged one, without `times`, its two ends are known. */
export function samplesOf(
  { sequence, code, from_ms, to_ms }: BlockDocument | ObservationBlockDocument,
  times: ArrayLike<number> = [from_ms, to_ms - 1],
): RetractedSamples {
  return { sequence, code, times: Float64Array.from(times) };
}

/** The samples of a compacted block that came with these commits. */
function samplesIn(block: CompactedBlock, sequences: ReadonlySet<number>, code: string): RetractedSamples[] {
  const times = new Map<number, number[]>([...sequences].map((sequence) => [sequence, []]));
  for (const { columns, origins } of block) {
    for (const [i, { sequence }] of origins.entries()) times.get(sequence)?.push(columns.times[i]!);
  }
  return [...times].map(([sequence, those]) => ({ sequence, code, times: Float64Array.from(those) }));
}
