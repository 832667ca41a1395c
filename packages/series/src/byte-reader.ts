import { MAX_VARINT_BYTES } from "./byte-writer.ts";
import { BLOCK_LIMITS } from "./columns.ts";
import { SeriesError } from "./series-error.ts";

/** Rejects a block and says what is wrong with its bytes. */
export function corrupt(rule: string, cause?: unknown): SeriesError {
  return new SeriesError("corrupt_block", "block", rule, cause === undefined ? {} : { cause });
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads what `ByteWriter` wrote, trusting none of it: every read past the end is a `corrupt_block`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    if (this.position >= this.bytes.length) throw corrupt("ends too early");
    return this.bytes[this.position++]!;
  }

  /** LEB128 of an integer from 0 to 2^53 − 1. */
  varint(): number {
    const bytes = this.bytes;
    let value = 0;
    let factor = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.position >= bytes.length) throw corrupt("ends too early");
      const byte = bytes[this.position++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw corrupt("an integer is too large");
        return value;
      }
      factor *= 128;
    }
    throw corrupt("an integer is too long");
  }

  /** Zigzag LEB128 of an integer within ±2^52. */
  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const length = this.varint();
    if (length > BLOCK_LIMITS.textBytes) throw corrupt("a text is too long");
    const end = this.position + length;
    if (end > this.bytes.length) throw corrupt("ends too early");
    const encoded = this.bytes.subarray(this.position, end);
    this.position = end;
    try {
      return utf8.decode(encoded);
    } catch (cause) {
      throw corrupt("a text is not UTF-8", cause);
    }
  }

  /** `length` raw bytes, as a view. */
  take(length: number): Uint8Array {
    const end = this.position + length;
    if (end > this.bytes.length) throw corrupt("ends too early");
    const view = this.bytes.subarray(this.position, end);
    this.position = end;
    return view;
  }
}
