import { MerkleError } from "./errors.ts";
import { assertTreeSize } from "./subtree.ts";
import { TILE_WIDTH } from "./tile.ts";

/** The entries beneath one tile of level 0, as C2SP tlog-tiles serves them. `width` is 1 to 256 entries. */
export interface EntryBundle {
  readonly index: number;
  readonly width: number;
  readonly bytes: Uint8Array;
}

const MAX_ENTRY_BYTES = 0xffff;
const LENGTH_BYTES = 2;

/** Each entry's length as big-endian uint16, then the entry. Throws `invalid_argument` above 65,535 bytes. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES)
      throw new MerkleError("invalid_argument", "an entry has at most 65,535 bytes");
    total += LENGTH_BYTES + entry.length;
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const entry of entries) {
    bytes[at] = entry.length >>> 8;
    bytes[at + 1] = entry.length & 0xff;
    bytes.set(entry, at + LENGTH_BYTES);
    at += LENGTH_BYTES + entry.length;
  }
  return bytes;
}

/** The entries, as views of `bytes`. Throws `tile_invalid` unless there are exactly `width`, to the last byte. */
export function decodeEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length && entries.length < width) {
    const start = at + LENGTH_BYTES;
    const end = start + (bytes[at]! << 8) + (bytes[at + 1] ?? 0);
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  if (at !== bytes.length || entries.length !== width)
    throw new MerkleError("tile_invalid", `the entry bundle does not hold exactly ${width} entries`);
  return entries;
}

/**
 * The bundles that change when `entries` follow the first `size` ones, by index. `partial` holds the bytes of
 * the old tree's last bundle if it was partial (`size % 256 > 0`), else it is undefined. Pure.
 */
export function growEntryBundles(
  size: number,
  partial: Uint8Array | undefined,
  entries: readonly Uint8Array[],
): EntryBundle[] {
  assertTreeSize(size + entries.length, "the new size");
  const kept = decodeEntryBundle(partial ?? new Uint8Array(0), size % TILE_WIDTH);
  const first = Math.floor(size / TILE_WIDTH);
  if (entries.length === 0) return [];
  const all = [...kept, ...entries];
  const bundles: EntryBundle[] = [];
  for (let start = 0; start < all.length; start += TILE_WIDTH) {
    const slice = all.slice(start, start + TILE_WIDTH);
    bundles.push({
      index: first + start / TILE_WIDTH,
      width: slice.length,
      bytes: encodeEntryBundle(slice),
    });
  }
  return bundles;
}
