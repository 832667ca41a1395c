/** Count and checksum of samples, whatever their order. */
export interface Checksum {
  samples: number;
  /** Sum of the samples' hashes, modulo 2^32. */
  sum: number;
}

export function emptyChecksum(): Checksum {
  return { samples: 0, sum: 0 };
}

/** `timeMs` UTC milliseconds, `mantissa` within 32 bits. */
export function addSample(checksum: Checksum, timeMs: number, mantissa: number): void {
  const low = timeMs % 4_294_967_296;
  const high = Math.floor(timeMs / 4_294_967_296);
  let hash = Math.imul(low ^ Math.imul(mantissa, 0x9e3779b1), 0x85ebca6b) ^ high;
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  checksum.samples += 1;
  checksum.sum = (checksum.sum + (hash >>> 0)) % 4_294_967_296;
}

export function merge(into: Checksum, other: Checksum): void {
  into.samples += other.samples;
  into.sum = (into.sum + other.sum) % 4_294_967_296;
}

export function equalChecksums(a: Checksum, b: Checksum): boolean {
  return a.samples === b.samples && a.sum === b.sum;
}
