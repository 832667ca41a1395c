import type { LogDamage, ScanOptions, Unlocated } from "@wellapi/log-verifier";
import { appendLeafHashes, EMPTY_FRONTIER, frontierRoot, leafHash, TILE_WIDTH } from "@wellapi/merkle";
import type { AccessRepository } from "./access-repository.ts";
import { entriesOf } from "./log-entries.ts";
import type { LogRepository } from "./log-repository.ts";

export interface LocateOptions {
  readonly log: Pick<LogRepository, "entries" | "places">;
  /** Each access keeps its own copy of the entry that the log publishes for it. */
  readonly accesses: Pick<AccessRepository, "find">;
  readonly keptTile: ScanOptions["keptTile"];
  /** Copies of entries from elsewhere: they count as the accesses' copies do. */
  readonly elsewhere?: ScanOptions["entries"];
}

/**
 * Finds the damaged entries of a range by the accesses' own copies of their entries. A copy counts only where the subtree
 * leads to its root with it: then the damage is exact, and the copy is what was written. Resolves with the range itself
 * where the copies do not explain the damage. Yields after each page, as `scanLog`.
 */
export async function* locateDamage(
  options: LocateOptions,
  range: Unlocated,
): AsyncGenerator<{ readonly kind: "progress" } | LogDamage> {
  const copies = new Map<number, Uint8Array>();
  for await (const page of options.log.places()) {
    for (const { id, index } of page) {
      if (index < range.start || index >= range.end) continue;
      const access = await options.accesses.find(id).catch(() => undefined);
      if (access === undefined) continue;
      const [entry] = await entriesOf(options.log, index, index + 1);
      if (entry === undefined || Buffer.compare(entry, access.commitment) !== 0) {
        copies.set(index, access.commitment);
      }
    }
    yield { kind: "progress" };
  }

  const { subtree } = range;
  for (let at = range.start; options.elsewhere !== undefined && at < range.end; at += TILE_WIDTH) {
    const end = Math.min(range.end, at + TILE_WIDTH);
    const own = await entriesOf(options.log, at, end);
    for (const [i, copy] of (await options.elsewhere(at, end)).entries()) {
      const differs = copy !== undefined && (own[i] === undefined || Buffer.compare(own[i], copy) !== 0);
      if (differs) copies.set(at + i, copy);
    }
    yield { kind: "progress" };
  }

  const tiles: LogDamage[] = [];
  let tree = EMPTY_FRONTIER;
  for (let at = subtree.start; at < subtree.end; ) {
    const end = Math.min(subtree.end, at + TILE_WIDTH);
    const entries = await entriesOf(options.log, at, end);
    const hashes = entries.map((entry, i) => leafHash(copies.get(at + i) ?? entry ?? new Uint8Array()));
    tree = appendLeafHashes(tree, hashes);
    if (end - at === TILE_WIDTH) {
      const kept = await options.keptTile(0, at / TILE_WIDTH);
      const differs = kept !== undefined && Buffer.compare(kept, Buffer.concat(hashes)) !== 0;
      if (differs) tiles.push({ kind: "tile", level: 0, index: at / TILE_WIDTH });
    }
    at = end;
    yield { kind: "progress" };
  }
  if (Buffer.compare(frontierRoot(tree), subtree.root) !== 0) {
    yield { kind: "range", start: range.start, end: range.end };
    return;
  }
  for (const [index, copy] of copies) yield { kind: "entry", index, leafHash: leafHash(copy) };
  yield* tiles;
}
