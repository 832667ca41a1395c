import type { Coding } from "@wellapi/series";
import type { Provenance } from "./provenance.ts";
import { DAY_MS } from "./utc-day.ts";

/** An exact decimal as text with its UCUM unit, as it was sent. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

/** The values with which aggregates are computed; other values are in the record's `rest`. */
export type ObservationValue =
  | { readonly kind: "quantity"; readonly quantity: Quantity }
  | { readonly kind: "coded"; readonly coding: Coding }
  /** A safe integer. */
  | { readonly kind: "integer"; readonly integer: number }
  | {
      readonly kind: "components";
      readonly components: ReadonlyArray<{ readonly coding: Coding; readonly quantity: Quantity }>;
    };

/** One observation with its position in its batch. */
export interface ObservationRecord {
  readonly item: number;
  readonly code: Coding;
  /** UTC milliseconds: an instant, or the start of the interval of the value. */
  readonly time: number;
  readonly durationMs: number;
  readonly offsetMinutes: number;
  readonly value: ObservationValue | undefined;
  /** All other sent fields, as an opaque text; absent for most observations, which have none. */
  readonly rest?: string;
  readonly provenance: Provenance;
}

const MAX_SPAN_MS = 31 * DAY_MS;

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

/**
 * The sealed content of a block, as JSON. Neighbours share their provenance and their code, which would be most of
 * the text, so these are written once; a record is a row of values without field names.
 */
interface Packed {
  readonly provenances: readonly Provenance[];
  readonly codes: readonly Coding[];
  readonly rows: readonly Row[];
}

type Row = readonly [
  item: number,
  time: number,
  durationMs: number,
  offsetMinutes: number,
  /** Positions in `codes` and `provenances`. */
  code: number,
  provenance: number,
  /** A quantity, the most common value, as value and unit. */
  value: readonly [value: string, unit: string] | ObservationValue | null,
  rest?: string,
];

export function encodeObservations(records: readonly ObservationRecord[]): Uint8Array {
  const provenances = createTable<Provenance>();
  const codes = createTable<Coding>();
  const rows = records.map((record): Row => {
    const { item, time, durationMs, offsetMinutes, value } = record;
    const code = codes.positionOf(record.code);
    const provenance = provenances.positionOf(record.provenance);
    const packed =
      value?.kind === "quantity" ? ([value.quantity.value, value.quantity.unit] as const) : (value ?? null);
    const row = [item, time, durationMs, offsetMinutes, code, provenance, packed] as const;
    return record.rest === undefined ? row : [...row, record.rest];
  });
  const packed: Packed = { provenances: provenances.values, codes: codes.values, rows };
  return Buffer.from(JSON.stringify(packed));
}

/** The inverse; the bytes come from an authenticated seal, so they are the bytes that were sealed. */
export function decodeObservations(bytes: Uint8Array): ObservationRecord[] {
  const { provenances, codes, rows } = JSON.parse(Buffer.from(bytes).toString()) as Packed;
  return rows.map(([item, time, durationMs, offsetMinutes, code, provenance, value, rest]) => ({
    item,
    code: codes[code]!,
    time,
    durationMs,
    offsetMinutes,
    value: isQuantity(value)
      ? { kind: "quantity", quantity: { value: value[0], unit: value[1] } }
      : (value ?? undefined),
    ...(rest === undefined ? {} : { rest }),
    provenance: provenances[provenance]!,
  }));
}

function isQuantity(value: Row[6]): value is readonly [string, string] {
  return Array.isArray(value);
}

/** A list of distinct flat objects. */
function createTable<T extends object>() {
  const values: T[] = [];
  const positions = new Map<string, number>();
  let last = -1;

  return {
    values: values as readonly T[],
    positionOf(value: T): number {
      if (last >= 0 && sameMembers(values[last]!, value)) return last;
      const text = JSON.stringify(value);
      last = positions.get(text) ?? values.push(value) - 1;
      positions.set(text, last);
      return last;
    },
  };
}

function sameMembers<T extends object>(a: T, b: T): boolean {
  let more = 0;
  for (const name in a) {
    if (a[name] !== b[name]) return false;
    more++;
  }
  for (const _ in b) more--;
  return more === 0;
}
