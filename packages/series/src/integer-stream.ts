import { type ByteReader, corrupt } from "./byte-reader.ts";
import { type ByteWriter, MAX_VARINT_BYTES, writeVarint } from "./byte-writer.ts";

/**
 * How one column of integers is written. First a mode byte:
 *
 * - `MODE_PLAIN`: zigzag varints of the values
 * - `MODE_DELTA`: zigzag varints of the differences; the first is the difference from 0
 * - `MODE_DOUBLE`: little-endian IEEE 754 doubles, for columns that reach beyond ±2^52, where zigzag
 *   would leave the integers that a double holds exactly
 *
 * Varints come in chunks. A chunk is a varint `length × 2 + repeated`; then one varint that stands
 * `length` times (repeated = 1), or `length` varints (repeated = 0).
 */
const MODE_PLAIN = 0;
const MODE_DELTA = 1;
const MODE_DOUBLE = 2;

/** The largest magnitude whose zigzag form is still a safe integer. */
const ZIGZAG_LIMIT = 2 ** 52 - 1;
/** A shorter run costs as many bytes as it saves, and cuts the literals around it into pieces. */
const MIN_RUN = 8;
/** Bounds the buffer that is reserved ahead. */
const MAX_LITERALS = 4_096;

/** Appends the first `count` entries of `values`, which must be safe integers. −0 comes back as 0. */
export function writeIntegers(writer: ByteWriter, values: Float64Array, count: number): void {
  const mode = cheapestMode(values, count);
  writer.byte(mode);
  if (mode === MODE_DOUBLE) {
    writeDoubles(writer, values, count);
    return;
  }
  writeChunks(writer, zigzagged(values, count, mode), count);
}

/**
 * Weighs both varint modes by the bits that their values need, with nothing for a repeated value: close
 * to the size after deflate, for one pass over the column.
 */
function cheapestMode(values: Float64Array, count: number): number {
  let plainBits = 0;
  let deltaBits = 0;
  let largest = 0;
  let largestDelta = 0;
  let previous = 0;
  let previousDelta = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const delta = value - previous;
    const size = Math.abs(value);
    const deltaSize = Math.abs(delta);
    if (size > largest) largest = size;
    if (deltaSize > largestDelta) largestDelta = deltaSize;
    if (delta !== 0) plainBits += bitLength(size);
    if (delta !== previousDelta) deltaBits += bitLength(deltaSize);
    previous = value;
    previousDelta = delta;
  }
  if (largest > ZIGZAG_LIMIT) return MODE_DOUBLE;
  return deltaBits < plainBits && largestDelta <= ZIGZAG_LIMIT ? MODE_DELTA : MODE_PLAIN;
}

function bitLength(magnitude: number): number {
  return magnitude < 0x80000000 ? 33 - Math.clz32(magnitude) : 54;
}

function zigzagged(values: Float64Array, count: number, mode: number): Float64Array {
  const result = new Float64Array(count);
  if (mode === MODE_DELTA) {
    let previous = 0;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const delta = value - previous;
      result[i] = delta < 0 ? -2 * delta - 1 : 2 * delta;
      previous = value;
    }
  } else {
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      result[i] = value < 0 ? -2 * value - 1 : 2 * value;
    }
  }
  return result;
}

function writeChunks(writer: ByteWriter, codes: Float64Array, count: number): void {
  let start = 0; // of the literals that are not yet written
  let i = 0;
  while (i < count) {
    const code = codes[i]!;
    let end = i + 1;
    while (end < count && codes[end] === code) end++;
    if (end - i >= MIN_RUN) {
      writeLiterals(writer, codes, start, i);
      writer.varint((end - i) * 2 + 1);
      writer.varint(code);
      start = end;
    }
    i = end;
  }
  writeLiterals(writer, codes, start, count);
}

function writeLiterals(writer: ByteWriter, codes: Float64Array, from: number, to: number): void {
  for (let start = from; start < to; start += MAX_LITERALS) {
    const end = Math.min(to, start + MAX_LITERALS);
    writer.varint((end - start) * 2);
    writer.reserve((end - start) * MAX_VARINT_BYTES);
    const bytes = writer.bytes;
    let position = writer.position;
    for (let i = start; i < end; i++) {
      const code = codes[i]!;
      if (code < 0x80) bytes[position++] = code;
      else position = writeVarint(bytes, position, code);
    }
    writer.position = position;
  }
}

function writeDoubles(writer: ByteWriter, values: Float64Array, count: number): void {
  writer.reserve(count * 8);
  const view = new DataView(writer.bytes.buffer, writer.bytes.byteOffset);
  for (let i = 0; i < count; i++) {
    view.setFloat64(writer.position, values[i]! + 0, true); // + 0 turns −0 into 0
    writer.position += 8;
  }
}

/**
 * Reads `count` integers, none of them −0. In bytes that nobody encoded, sums of differences may leave the
 * safe integers: the caller must refuse them (`checkColumns` does).
 *
 * @throws SeriesError `corrupt_block`
 */
export function readIntegers(reader: ByteReader, count: number): Float64Array {
  const mode = reader.byte();
  const values = new Float64Array(count);
  if (mode === MODE_DOUBLE) {
    readDoubles(reader, values);
    return values;
  }
  if (mode !== MODE_PLAIN && mode !== MODE_DELTA) throw corrupt("an unknown column mode");
  for (let filled = 0; filled < count; ) {
    const head = reader.varint();
    const length = Math.floor(head / 2);
    if (length === 0 || length > count - filled) throw corrupt("a chunk of the wrong length");
    if (head % 2 === 1) values.fill(reader.signed(), filled, filled + length);
    else readLiterals(reader, values, filled, filled + length);
    filled += length;
  }
  if (mode === MODE_DELTA) integrate(values);
  return values;
}

function readLiterals(reader: ByteReader, values: Float64Array, from: number, to: number): void {
  const bytes = reader.bytes;
  const end = bytes.length;
  let position = reader.position;
  for (let i = from; i < to; i++) {
    if (position >= end) throw corrupt("ends too early");
    const byte = bytes[position]!;
    if (byte < 0x80) {
      values[i] = (byte >>> 1) ^ -(byte & 1);
      position++;
    } else {
      reader.position = position;
      values[i] = reader.signed();
      position = reader.position;
    }
  }
  reader.position = position;
}

function integrate(values: Float64Array): void {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
    values[i] = sum;
  }
}

function readDoubles(reader: ByteReader, values: Float64Array): void {
  const bytes = reader.take(values.length * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < values.length; i++) {
    const value = view.getFloat64(i * 8, true);
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw corrupt("a value is not an integer");
    values[i] = value;
  }
}
