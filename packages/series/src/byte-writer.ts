const HIGH_BIT = 0x80;
/** A varint of an integer up to 2^53 takes at most 8 groups of 7 bits. */
export const MAX_VARINT_BYTES = 8;

/** Appends to one growing buffer. `bytes` and `position` are public so that hot loops may write directly. */
export class ByteWriter {
  bytes: Uint8Array;
  position = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` further bytes. Hot loops call this once, then write without checks. */
  reserve(count: number): void {
    const needed = this.position + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.position));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  /** LEB128, for integers from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(MAX_VARINT_BYTES);
    this.position = writeVarint(this.bytes, this.position, value);
  }

  /** Zigzag LEB128, for integers within ±2^52. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** UTF-8 with its length in bytes before it. */
  text(value: string): void {
    const encoded = Buffer.from(value, "utf8");
    this.varint(encoded.length);
    this.reserve(encoded.length);
    this.bytes.set(encoded, this.position);
    this.position += encoded.length;
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.position);
  }
}

/** Writes without checking room; returns the position after. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let rest = value;
  let at = position;
  // Bit operators see 32 bits only: above that, divide.
  while (rest >= 0x80000000) {
    bytes[at++] = (rest % HIGH_BIT) | HIGH_BIT;
    rest = Math.floor(rest / HIGH_BIT);
  }
  while (rest >= HIGH_BIT) {
    bytes[at++] = (rest & 0x7f) | HIGH_BIT;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
