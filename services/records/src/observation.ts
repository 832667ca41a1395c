import type { Coding } from "@wellapi/series";
import type { Provenance } from "./provenance.ts";

/** An exact decimal as text with its UCUM unit, as it was sent. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

export type ObservationValue =
  | { readonly kind: "quantity"; readonly quantity: Quantity }
  | { readonly kind: "coded"; readonly coding: Coding }
  | {
      readonly kind: "components";
      readonly components: ReadonlyArray<{ readonly coding: Coding; readonly quantity: Quantity }>;
    };

/** One observation with its position in its batch. */
export interface ObservationRecord {
  readonly item: number;
  readonly code: Coding;
  /** UTC milliseconds: an instant, or the start of the interval that the value is about. */
  readonly time: number;
  readonly durationMs: number;
  readonly offsetMinutes: number;
  readonly value: ObservationValue;
  readonly provenance: Provenance;
}

const MAX_SPAN_MS = 31 * 86_400_000;

/** Records of one code, ascending by time, in groups that span at most 31 days each. */
export function groupBySpan(records: readonly ObservationRecord[]): ObservationRecord[][] {
  const sorted = [...records].sort((a, b) => a.time - b.time || a.item - b.item);
  const groups: ObservationRecord[][] = [];
  for (const record of sorted) {
    const group = groups.at(-1);
    if (group !== undefined && record.time - group[0]!.time < MAX_SPAN_MS) group.push(record);
    else groups.push([record]);
  }
  return groups;
}

export function encodeObservations(records: readonly ObservationRecord[]): Uint8Array {
  return Buffer.from(JSON.stringify(records));
}

/** The inverse; the bytes come out of an authenticated seal, so they are what was put in. */
export function decodeObservations(bytes: Uint8Array): ObservationRecord[] {
  return JSON.parse(Buffer.from(bytes).toString()) as ObservationRecord[];
}
