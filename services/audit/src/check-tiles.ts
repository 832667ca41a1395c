import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  appendLeafHashes,
  EMPTY_FRONTIER,
  formatTilePath,
  frontierRoot,
  HASH_BYTES,
  leafHash,
  TILE_WIDTH,
} from "@wellapi/merkle";
import { type Finding, StoreError } from "@wellapi/store";
import { AuditError } from "./errors.ts";
import type { LogRepository } from "./log-repository.ts";

/**
 * Checks the full tiles below `directory` against the entries, and those of higher levels against the tiles beneath
 * them. A missing tile is no finding: it is made on demand.
 */
export async function* checkTiles(
  directory: string,
  size: number,
  log: Pick<LogRepository, "entries">,
): AsyncGenerator<Finding> {
  /** Roots of the tiles of the level below: the hashes of this level. */
  let below: Uint8Array[] | undefined;
  for (let level = 0, full = Math.floor(size / TILE_WIDTH); full > 0; level++) {
    const roots: Uint8Array[] = [];
    for (let index = 0; index < full; index++) {
      const expected =
        below === undefined
          ? await hashesOf(log, index)
          : Buffer.concat(below.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH));
      // The missing entry was reported already.
      if (expected === undefined) return;
      const path = formatTilePath({ kind: "hashes", level, index, width: TILE_WIDTH });
      const kept = await readFile(join(directory, path)).catch(() => undefined);
      if (kept !== undefined && Buffer.compare(kept, expected) !== 0) yield tileFinding(path);
      roots.push(rootOf(expected));
    }
    below = roots;
    full = Math.floor(full / TILE_WIDTH);
  }
}

async function hashesOf(log: Pick<LogRepository, "entries">, index: number): Promise<Buffer | undefined> {
  try {
    const entries = await log.entries(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
    return Buffer.concat(entries.map(leafHash));
  } catch (error) {
    if (error instanceof StoreError && error.code === "damaged") return undefined;
    if (error instanceof AuditError && error.code === "tree_damaged") return undefined;
    throw error;
  }
}

function rootOf(tile: Uint8Array): Uint8Array {
  const hashes = Array.from({ length: TILE_WIDTH }, (_, i) =>
    tile.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
  return frontierRoot(appendLeafHashes(EMPTY_FRONTIER, hashes));
}

function tileFinding(path: string): Finding {
  return {
    what: `the tile ${path} is not the one of its entries`,
    means: "proofs over it do not verify; the entries themselves are whole",
    remedy: `delete the file log/${path}: it is a cache, and is made again`,
  };
}
