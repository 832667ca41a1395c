import { randomFillSync } from "node:crypto";

/** Random bytes made ahead: asking the kernel for a few at a time costs more than sealing a small box. */
const pool = new Uint8Array(8_192);
let used = pool.length;

/** So many bytes of the system's cryptographic randomness, at most 8,192; nothing of them stays behind. */
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
