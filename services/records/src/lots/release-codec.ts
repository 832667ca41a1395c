import { type Columns, decodeBlock, type ExactDecimal, encodeBlock } from "@wellapi/series";
import type { Source } from "../model/provenance.ts";
import { LOT_LEVELS, type Lot, type NumberFormat } from "./lots.ts";
import { formatKey } from "./release.ts";
import type { ToldSamples } from "./told-samples.ts";

/** The lots of a series that begin in one month of UTC. */
export interface MonthOfLots {
  /** In the order in which they were made: a lot's id is its month and its position. */
  readonly lots: readonly Lot[];
  /** The input of the patient's month at the last look; empty before the first one. */
  readonly seen: string;
  /** The source of the latest sample of the patient's month, at that time. */
  readonly newest: { readonly source: Source; readonly rank: number } | undefined;
}

interface Header extends Pick<MonthOfLots, "seen" | "newest"> {
  readonly formats: readonly (readonly NumberFormat[])[];
  /** By position. */
  readonly takes: readonly (readonly [
    lot: number,
    takes: readonly (readonly [id: number, samples: number])[],
  ])[];
  /** Sums beyond 2^53, by position and column. */
  readonly large: readonly (readonly [lot: number, column: number, mantissa: string])[];
}

const LENGTH_BYTES = 4;
const LOTS_OF_A_MONTH = 2 ** 20;
const COLUMNS = {
  ...{ level: 0, from: 1, length: 2, format: 3, added: 4, removed: 5 },
  ...{ left: 6, plain: 7, lost: 8, tangled: 9, sums: 10 },
} as const;
/** For one component: a sum with its scale, and the sum of the rest. */
const COLUMNS_A_COMPONENT = 4;

/** Throws RangeError where a month has more lots than ids can distinguish. */
export function lotId(month: number, position: number): number {
  if (position >= LOTS_OF_A_MONTH) throw new RangeError("a month has too many lots");
  return month * LOTS_OF_A_MONTH + position;
}

/** The month of UTC in which a lot begins. */
export function monthOfLot(id: number): number {
  return Math.floor(id / LOTS_OF_A_MONTH);
}

/** 4 bytes of length, big-endian; a header as JSON; a table with a row a lot. */
export function encodeLots({ lots, seen, newest }: MonthOfLots): Uint8Array {
  const formats = new Map<string, { readonly position: number; readonly of: readonly NumberFormat[] }>();
  const components = lots.reduce((most, { sums }) => Math.max(most, sums.length), 0);
  const width = COLUMNS.sums + components * COLUMNS_A_COMPONENT;
  const columns = Array.from({ length: width }, () => new Float64Array(lots.length));
  const large: [number, number, string][] = [];
  for (const [row, lot] of lots.entries()) {
    const put = (column: number, value: number) => {
      columns[column]![row] = value;
    };
    const putExact = (column: number, { mantissa, scale }: ExactDecimal) => {
      const number = Number(mantissa);
      if (Number.isSafeInteger(number)) put(column, number);
      else large.push([row, column, String(mantissa)]);
      put(column + 1, scale);
    };
    const key = formatKey(lot.formats);
    const format = formats.get(key) ?? { position: formats.size, of: lot.formats };
    formats.set(key, format);
    put(COLUMNS.level, LOT_LEVELS.indexOf(lot.level));
    put(COLUMNS.from, lot.from);
    put(COLUMNS.length, lot.to - lot.from);
    put(COLUMNS.format, format.position);
    put(COLUMNS.added, lot.added);
    put(COLUMNS.removed, lot.removed);
    put(COLUMNS.left, lot.left);
    put(COLUMNS.plain, lot.plain);
    put(COLUMNS.lost, lot.lost);
    put(COLUMNS.tangled, lot.tangled ? 1 : 0);
    for (const [c, sum] of lot.sums.entries()) {
      putExact(COLUMNS.sums + c * COLUMNS_A_COMPONENT, sum);
      putExact(COLUMNS.sums + c * COLUMNS_A_COMPONENT + 2, lot.leftSums[c]!);
    }
  }
  const header: Header = {
    seen,
    newest,
    formats: [...formats.values()].map(({ of }) => of),
    takes: lots.flatMap(({ takes }, row) => (takes.size === 0 ? [] : [[row, [...takes]] as const])),
    large,
  };
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, encodeTable(upTo(lots.length), columns)]);
}

/** The inverse; the bytes come from an authenticated seal, so they are the bytes that were sealed. */
export function decodeLots(month: number, bytes: Uint8Array): MonthOfLots {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = LENGTH_BYTES + view.readUInt32BE();
  const { seen, newest, formats, takes, large } = JSON.parse(
    view.toString("utf8", LENGTH_BYTES, end),
  ) as Header;
  const { times, columns } = decodeTable(view.subarray(end));
  const taken = new Map(takes);
  const mantissas = new Map(large.map(([row, column, mantissa]) => [`${row} ${column}`, BigInt(mantissa)]));
  const lots = Array.from(times, (_, row): Lot => {
    const at = (column: number) => columns[column]![row]!;
    const exact = (column: number) => ({
      mantissa: mantissas.get(`${row} ${column}`) ?? BigInt(at(column)),
      scale: at(column + 1),
    });
    const of = formats[at(COLUMNS.format)]!;
    const from = at(COLUMNS.from);
    return {
      id: lotId(month, row),
      level: LOT_LEVELS[at(COLUMNS.level)]!,
      from,
      to: from + at(COLUMNS.length),
      formats: of,
      added: at(COLUMNS.added),
      removed: at(COLUMNS.removed),
      left: at(COLUMNS.left),
      plain: at(COLUMNS.plain),
      lost: at(COLUMNS.lost),
      tangled: at(COLUMNS.tangled) === 1,
      takes: new Map(taken.get(row)),
      sums: of.map((_format, c) => exact(COLUMNS.sums + c * COLUMNS_A_COMPONENT)),
      leftSums: of.map((_format, c) => exact(COLUMNS.sums + c * COLUMNS_A_COMPONENT + 2)),
    };
  });
  return { lots, seen, newest };
}

export function encodeTold({ times, ranks, lots, takers, marks }: ToldSamples): Uint8Array {
  // One instant may have several samples, which is not allowed for the times of a block.
  return encodeTable(upTo(times.length), [times, ranks, lots, takers, marks]);
}

export function decodeTold(bytes: Uint8Array): ToldSamples {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [times, ranks, lots, takers, marks] = decodeTable(view).columns;
  return { times: times!, ranks: ranks!, lots: lots!, takers: takers!, marks: marks! };
}

/** The limits of a block of packages/series. */
const ROWS_A_BLOCK = 50_000;
const COLUMNS_A_BLOCK = 16;

/** Rows and columns, each in 4 bytes; then blocks of packages/series, each after its length. */
function encodeTable(times: Float64Array, columns: readonly Float64Array[]): Uint8Array {
  const parts: Uint8Array[] = [word(times.length), word(columns.length)];
  for (const [from, to] of steps(times.length, ROWS_A_BLOCK)) {
    for (const [first, end] of steps(columns.length, COLUMNS_A_BLOCK)) {
      const components = columns.slice(first, end).map((column) => ({
        coding: { system: "", code: "" },
        unit: "",
        scale: 0,
        mantissas: column.subarray(from, to),
      }));
      const table: Columns = {
        times: times.subarray(from, to),
        offsetMinutes: 0,
        durationMs: 0,
        unit: "",
        values: { kind: "components", components },
      };
      const block = encodeBlock(table);
      parts.push(word(block.length), block);
    }
  }
  return Buffer.concat(parts);
}

function decodeTable(bytes: Buffer) {
  const [rows, width] = [bytes.readUInt32BE(0), bytes.readUInt32BE(LENGTH_BYTES)];
  const times = new Float64Array(rows);
  const columns = Array.from({ length: width }, () => new Float64Array(rows));
  let at = 2 * LENGTH_BYTES;
  for (const [from] of steps(rows, ROWS_A_BLOCK)) {
    for (const [first] of steps(width, COLUMNS_A_BLOCK)) {
      const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
      const block = decodeBlock(bytes.subarray(at + LENGTH_BYTES, end));
      if (block.values.kind !== "components") throw new TypeError("a table has components");
      times.set(block.times, from);
      for (const [c, { mantissas }] of block.values.components.entries()) {
        columns[first + c]!.set(mantissas, from);
      }
      at = end;
    }
  }
  return { times, columns };
}

function* steps(count: number, size: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < count; from += size) yield [from, Math.min(count, from + size)];
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

function upTo(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => i);
}
