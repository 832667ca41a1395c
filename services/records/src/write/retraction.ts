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
import type { Method } from "../model/provenance.ts";

/** Names a batch: by its internal id (undefined for a malformed one), or by its sender's name. */
export type RetractTarget = { readonly batch: string | undefined } | { readonly requestId: string };

/** The result; a repeated request gets the same. */
export interface Retraction {
  /** UTC milliseconds. */
  readonly timeMs: number;
  /** Number of hidden samples and records. */
  readonly items: number;
}

/** The state of a batch, as the retracting organization sees it. */
export type Standing =
  /** Another organization's batch, or one that stored nothing: the caller gets "not found". */
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

/** The commits of a batch, with the codes of their data. */
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

/** Whether a compacted block may hold samples of the batch, by its place in the store. */
export function mayHold(
  { first_sequence, last_sequence, code }: CompactedDocument,
  { first, last, codes }: TakenBack,
): boolean {
  return first_sequence <= last && last_sequence >= first && codes.includes(code);
}

/** Of what source samples are that were removed. */
export interface RetractedFrom {
  /** Internal id; empty: none was named. */
  readonly device: string;
  /** 0: not stated. */
  readonly method: Method;
}

/** A compacted block from which samples were removed. */
export interface Remainder {
  readonly left: readonly Strip[];
  /** The removed samples. */
  readonly fewer: number;
  readonly samples: readonly RetractedSamples[];
}

/**
 * A compacted block without the samples of these commits; samples that those had hidden are shown again. Undefined
 * if it has none of them. `from`: of what source the block is.
 */
export function remainderOf(
  block: CompactedBlock,
  { count, code }: Pick<CompactedDocument, "count" | "code">,
  gone: ReadonlySet<number>,
  from: RetractedFrom,
): Remainder | undefined {
  const left = without(block, gone);
  const fewer = count - left.reduce((sum, { origins }) => sum + origins.length, 0);
  return fewer === 0 ? undefined : { left, fewer, samples: samplesIn(block, gone, { code, ...from }) };
}

/** The samples of an arrived block; of a damaged one, which was not opened, only its two ends are known. */
export function samplesOf(
  { sequence, code, from_ms, to_ms }: BlockDocument | ObservationBlockDocument,
  opened?: { readonly times: ArrayLike<number>; readonly from: RetractedFrom },
): RetractedSamples {
  const times = Float64Array.from(opened?.times ?? [from_ms, to_ms - 1]);
  return { sequence, code, times, ...opened?.from };
}

/** The samples of a compacted block from these commits. */
function samplesIn(
  block: CompactedBlock,
  sequences: ReadonlySet<number>,
  of: RetractedFrom & { readonly code: string },
): RetractedSamples[] {
  const times = new Map<number, number[]>([...sequences].map((sequence) => [sequence, []]));
  for (const { columns, origins } of block) {
    for (const [i, { sequence }] of origins.entries()) times.get(sequence)?.push(columns.times[i]!);
  }
  return [...times].map(([sequence, those]) => ({ sequence, ...of, times: Float64Array.from(those) }));
}
