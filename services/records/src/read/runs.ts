import type { Columns } from "@wellapi/series";
import { sliceColumns } from "@wellapi/series";
import { MOST_LETTING } from "../gate/consent-notes.ts";
import type { ConsentPermit } from "../gate/permit.ts";
import type { Interval } from "../model/interval.ts";
import type { Source } from "../model/provenance.ts";

/** Samples of one message. */
export const SAMPLES_A_MESSAGE = 10_000;
/** Gaps travel as unsigned 32-bit milliseconds. */
const MAX_GAP_MS = 2 ** 32 - 1;

/** Bytes of JSON in one message: 1 MiB passes the gateway. */
export const MESSAGE_BYTES = 900_000;
const NUMBER_BYTES = 18;
/** With its ids and all field names. */
const HEAD_BYTES = 900;

/** Upper bound of a sample's size in a JSON message. */
export function bytesASample({ durationMs, values }: Columns): number {
  const numbers = values.kind === "components" ? values.components.length : 1;
  return NUMBER_BYTES * (1 + numbers + (typeof durationMs === "number" ? 0 : 1));
}

/** The size of a run in a message, without its samples. */
export function bytesOfHead({
  source,
  columns,
}: {
  readonly source: Source;
  readonly columns: Columns;
}): number {
  const { unit, values } = columns;
  const names =
    values.kind === "coded"
      ? values.dictionary
      : values.kind === "components"
        ? values.components.map((component) => [component.coding, component.unit])
        : [];
  return HEAD_BYTES + Buffer.byteLength(JSON.stringify([source.model, unit, names]));
}

const CONSENT_BYTES = 80;
const INTERVAL_BYTES = 90;

/** Upper bound of what a message says of the consents that let data through, as a whole (`whole`) or in parts. */
export function bytesOfConsents(permits: readonly ConsentPermit[], whole = false): number {
  const consents = Math.min(MOST_LETTING, new Set(permits.map(({ consent }) => consent)).size);
  return consents * CONSENT_BYTES + (whole ? 0 : permits.length * INTERVAL_BYTES);
}

/** Parts columns into pieces that fit into one message each: at most `most` samples, no gap of 50 days. */
export function* pieces(columns: Columns, limit = SAMPLES_A_MESSAGE): Generator<Columns> {
  const most = Math.min(limit, Math.floor(MESSAGE_BYTES / 2 / bytesASample(columns)));
  const { times } = columns;
  for (let start = 0; start < times.length; ) {
    let end = start + 1;
    while (end < times.length && end - start < most && times[end]! - times[end - 1]! <= MAX_GAP_MS) end++;
    yield sliceColumns(columns, times[start]!, times[end] ?? Number.POSITIVE_INFINITY);
    start = end;
  }
}

/** The content of one message. */
export interface Message {
  readonly columns: Columns;
  /** Whether no other message of the same columns follows, under the present consents. */
  readonly last: boolean;
}

/**
 * The permitted part of the columns, one message at a time. Each message is a read of its own: the permission is
 * asked before each, because a slow reader may have held the previous message for long.
 */
export async function* messages(
  columns: Columns,
  permitted: () => Promise<readonly Interval[]>,
): AsyncGenerator<Message> {
  const end = columns.times.at(-1)!;
  for (const piece of pieces(columns)) {
    const last = piece.times.at(-1)!;
    for (let from = piece.times[0]!; from <= last; ) {
      const intervals = await permitted();
      const next = firstWithin(piece, from, intervals);
      if (next === undefined) break;
      yield { columns: next.columns, last: last === end && !firstWithin(piece, next.to, intervals) };
      from = next.to;
    }
  }
}

/** The first of the ascending intervals with samples from `from` on. */
function firstWithin(columns: Columns, from: number, intervals: readonly Interval[]) {
  for (const interval of intervals) {
    const part = sliceColumns(columns, Math.max(from, interval.from), interval.to);
    if (part.times.length > 0) return { columns: part, to: interval.to };
  }
  return undefined;
}
