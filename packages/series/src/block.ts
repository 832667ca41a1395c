import { deflateRawSync, inflateRawSync } from "node:zlib";
import { ByteReader, corrupt } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import {
  BLOCK_LIMITS,
  type Coding,
  type Columns,
  type ComponentValues,
  checkColumns,
  type ValueColumn,
} from "./columns.ts";
import { readIntegers, writeIntegers } from "./integer-stream.ts";
import { SeriesError } from "./series-error.ts";

/**
 * A block, version 1 or 2:
 *
 *     version   byte    1; 2 where the samples' durations differ
 *     packing   byte    0 the body as it is; 1 a varint of the body's length, then raw deflate (RFC 1951)
 *     body      count varint, offsetMinutes zigzag, durations, unit text, values, times
 *     durations version 1: durationMs varint; version 2: integers
 *     values    kind byte; decimal: scale byte, integers
 *                          coded: dictionary, integers; components: number, each coding, unit, scale, integers
 *     times     where count > 0: first zigzag; where count > 1: step varint, integers (differences ÷ step)
 *
 * Texts are UTF-8 after a varint length. A coding is system, code, a byte 0 or 1, and the display if 1.
 * "Integers" are in integer-stream.ts. `step` is the greatest common divisor of the differences of the
 * times, so regular times are one repeated 1, and gaps and whole seconds are small numbers.
 *
 * Blocks are kept for ever: this layout is frozen (test/golden), a change is a new version byte.
 */
const VERSION = 1;
/** Written only where durations differ; all other blocks have version 1. */
const VERSION_DURATIONS = 2;
const PACKING_NONE = 0;
const PACKING_DEFLATE = 1;

const KIND_DECIMAL = 0;
const KIND_CODED = 1;
const KIND_COMPONENTS = 2;

const DEFLATE_LEVEL = 1;
/** Below this, deflate cannot win back its own overhead. */
const MIN_DEFLATE_BYTES = 48;
/** 9 bytes a value, a time and a duration, and room for every text at its limit. */
const MAX_BODY_BYTES = 3 * 9 * BLOCK_LIMITS.values + 4 * BLOCK_LIMITS.dictionary * BLOCK_LIMITS.textBytes;

/**
 * Packs columns into a block that `decodeBlock` of this and every later build reads back equal (−0 as 0).
 *
 * @param deflates false for small blocks that are read far more often than written, or written anew soon: setting
 *   deflate or inflate up costs more than a few hundred values
 * @throws SeriesError whatever `checkColumns` throws
 */
export function encodeBlock(columns: Columns, deflates = true): Uint8Array {
  checkColumns(columns);
  const { durationMs } = columns;
  const count = columns.times.length;
  const writer = new ByteWriter(256 + count * 2);
  writer.varint(count);
  writer.signed(columns.offsetMinutes);
  if (typeof durationMs === "number") writer.varint(durationMs);
  else writeIntegers(writer, Float64Array.from(durationMs), count);
  writer.text(columns.unit);
  writeValues(writer, columns.values, count);
  writeTimes(writer, columns.times);
  return pack(writer.written(), deflates, typeof durationMs === "number" ? VERSION : VERSION_DURATIONS);
}

/**
 * Opens a block. Safe on bytes from anywhere: it ends in columns that pass `checkColumns` or in a
 * SeriesError, and allocates at most what `BLOCK_LIMITS` allows, whatever the bytes claim.
 *
 * @throws SeriesError `corrupt_block`, or `unsupported_version` for a block of a later build
 */
export function decodeBlock(bytes: Uint8Array): Columns {
  const { version, body } = unpack(bytes);
  const reader = new ByteReader(body);
  const count = reader.varint();
  if (count > BLOCK_LIMITS.values) throw corrupt("too many samples");
  const offsetMinutes = reader.signed();
  const durationMs = version === VERSION ? reader.varint() : readDurations(reader, count);
  const unit = reader.text();
  const values = readValues(reader, count);
  const times = readTimes(reader, count);
  if (reader.position !== reader.bytes.length) throw corrupt("bytes are left over");
  const columns: Columns = { times, offsetMinutes, durationMs, unit, values };
  try {
    checkColumns(columns);
  } catch (cause) {
    throw corrupt("its columns break a rule", cause);
  }
  return columns;
}

function pack(body: Uint8Array, deflates: boolean, version: number): Uint8Array {
  if (deflates && body.length >= MIN_DEFLATE_BYTES) {
    const deflated = deflateRawSync(body, { level: DEFLATE_LEVEL });
    const head = new ByteWriter(10);
    head.byte(version);
    head.byte(PACKING_DEFLATE);
    head.varint(body.length);
    if (head.position + deflated.length < body.length + 2) {
      const block = new Uint8Array(head.position + deflated.length);
      block.set(head.written());
      block.set(deflated, head.position);
      return block;
    }
  }
  const block = new Uint8Array(2 + body.length);
  block[0] = version;
  block[1] = PACKING_NONE;
  block.set(body, 2);
  return block;
}

function unpack(bytes: Uint8Array): { readonly version: number; readonly body: Uint8Array } {
  const head = new ByteReader(bytes);
  const version = head.byte();
  if (version !== VERSION && version !== VERSION_DURATIONS) {
    throw new SeriesError("unsupported_version", "block", "is not of version 1 or 2");
  }
  const packing = head.byte();
  if (packing === PACKING_NONE) return { version, body: bytes.subarray(head.position) };
  if (packing !== PACKING_DEFLATE) throw corrupt("an unknown packing");
  const length = head.varint();
  if (length > MAX_BODY_BYTES) throw corrupt("too long when unpacked");
  let body: Uint8Array;
  try {
    // The cap stops a deflate bomb at the length that the block itself admits to.
    body = inflateRawSync(bytes.subarray(head.position), { maxOutputLength: Math.max(1, length) });
  } catch (cause) {
    throw corrupt("cannot be unpacked", cause);
  }
  if (body.length !== length) throw corrupt("unpacks to another length than it says");
  return { version, body };
}

function writeTimes(writer: ByteWriter, times: Float64Array): void {
  const count = times.length;
  if (count === 0) return;
  writer.signed(times[0]!);
  if (count === 1) return;
  const gaps = new Float64Array(count - 1);
  let step = times[1]! - times[0]!;
  for (let i = 1; i < count; i++) {
    const gap = times[i]! - times[i - 1]!;
    if (step !== 1 && gap !== step && gap % step !== 0) step = greatestCommonDivisor(step, gap);
    gaps[i - 1] = gap;
  }
  for (let i = 0; i < gaps.length; i++) gaps[i] = gaps[i]! / step;
  writer.varint(step);
  writeIntegers(writer, gaps, gaps.length);
}

function greatestCommonDivisor(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

function readTimes(reader: ByteReader, count: number): Float64Array {
  if (count === 0) return new Float64Array(0);
  const times = new Float64Array(count);
  let time = reader.signed();
  times[0] = time;
  if (count === 1) return times;
  const step = reader.varint();
  const gaps = readIntegers(reader, count - 1);
  for (let i = 1; i < count; i++) {
    // A product past 2^53 may be rounded, but then it is far outside the years that checkColumns allows.
    time += gaps[i - 1]! * step;
    times[i] = time;
  }
  return times;
}

function writeValues(writer: ByteWriter, values: ValueColumn, count: number): void {
  switch (values.kind) {
    case "decimal":
      writer.byte(KIND_DECIMAL);
      writer.byte(values.scale);
      writeIntegers(writer, values.mantissas, count);
      return;
    case "coded":
      writer.byte(KIND_CODED);
      writer.varint(values.dictionary.length);
      for (const coding of values.dictionary) writeCoding(writer, coding);
      writeIntegers(writer, Float64Array.from(values.indexes), count);
      return;
    case "components":
      writer.byte(KIND_COMPONENTS);
      writer.byte(values.components.length);
      for (const component of values.components) {
        writeCoding(writer, component.coding);
        writer.text(component.unit);
        writer.byte(component.scale);
        writeIntegers(writer, component.mantissas, count);
      }
  }
}

function readDurations(reader: ByteReader, count: number): Uint32Array {
  const integers = readIntegers(reader, count);
  const durations = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const duration = integers[i]!;
    // Checked before the Uint32Array, which would wrap a wrong length into a right one.
    if (!(duration >= 0 && duration < 2 ** 32)) throw corrupt("a duration out of range");
    durations[i] = duration;
  }
  return durations;
}

function readValues(reader: ByteReader, count: number): ValueColumn {
  const kind = reader.byte();
  if (kind === KIND_DECIMAL) {
    return { kind: "decimal", scale: reader.byte(), mantissas: readIntegers(reader, count) };
  }
  if (kind === KIND_CODED) return readCoded(reader, count);
  if (kind === KIND_COMPONENTS) return readComponents(reader, count);
  throw corrupt("an unknown kind of values");
}

function readCoded(reader: ByteReader, count: number): ValueColumn {
  const size = reader.varint();
  if (size > BLOCK_LIMITS.dictionary) throw corrupt("too large a dictionary");
  const dictionary: Coding[] = [];
  for (let i = 0; i < size; i++) dictionary.push(readCoding(reader));
  const integers = readIntegers(reader, count);
  const indexes = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const index = integers[i]!;
    // Checked before the Uint32Array, which would wrap a wrong index into a right one.
    if (index < 0 || index >= size) throw corrupt("an index outside the dictionary");
    indexes[i] = index;
  }
  return { kind: "coded", dictionary, indexes };
}

function readComponents(reader: ByteReader, count: number): ValueColumn {
  const size = reader.byte();
  if (size > BLOCK_LIMITS.components || size * count > BLOCK_LIMITS.values) {
    throw corrupt("too many components");
  }
  const components: ComponentValues[] = [];
  for (let i = 0; i < size; i++) {
    components.push({
      coding: readCoding(reader),
      unit: reader.text(),
      scale: reader.byte(),
      mantissas: readIntegers(reader, count),
    });
  }
  return { kind: "components", components };
}

function writeCoding(writer: ByteWriter, coding: Coding): void {
  writer.text(coding.system);
  writer.text(coding.code);
  writer.byte(coding.display === undefined ? 0 : 1);
  if (coding.display !== undefined) writer.text(coding.display);
}

function readCoding(reader: ByteReader): Coding {
  const system = reader.text();
  const code = reader.text();
  const flag = reader.byte();
  if (flag > 1) throw corrupt("an unknown flag");
  return flag === 0 ? { system, code } : { system, code, display: reader.text() };
}
