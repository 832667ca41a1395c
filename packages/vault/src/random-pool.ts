import { randomFillSync } from "node:crypto";

/** Random bytes made in advance: a kernel call for a few bytes costs more than sealing a small box. */
const pool = new Uint8Array(8_192);
let used = pool.length;

/** `length` bytes of the system's cryptographic randomness, at most 8,192; the pool keeps no copy. */
export function randomFromPool(length: number): Uint8Array {
  if (length > pool.length) throw new RangeError(`the pool holds ${pool.length} bytes`);
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const taken = pool.slice(used, used + length);
  pool.fill(0, used, used + length);
  used += length;
  return taken;
}
