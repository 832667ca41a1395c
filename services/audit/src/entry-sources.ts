import type { ScanOptions } from "@wellapi/log-verifier";
import { decodeEntryBundle, formatTilePath, MerkleError, TILE_WIDTH } from "@wellapi/merkle";
import type { Store } from "@wellapi/store";
import { entriesOf } from "./log-entries.ts";
import { createLogRepository } from "./log-repository.ts";

/** The entries that another store of this log holds, one from a backup. */
export function entriesOfStore(store: Store): ScanOptions["entries"] {
  const log = createLogRepository(store);
  return (start, end) => entriesOf(log, start, end);
}

/** The entries that a mirror serves below `url`, as C2SP tlog-tiles. Throws where it does not answer. */
export function entriesOfMirror(url: string): ScanOptions["entries"] {
  const root = url.endsWith("/") ? url : `${url}/`;

  async function bundle(index: number, width: number): Promise<Uint8Array[] | undefined> {
    const response = await fetch(new URL(formatTilePath({ kind: "entries", index, width }), root));
    if (!response.ok) return undefined;
    try {
      return decodeEntryBundle(new Uint8Array(await response.arrayBuffer()), width);
    } catch (error) {
      if (error instanceof MerkleError) return undefined;
      throw error;
    }
  }

  return async (start, end) => {
    const index = Math.floor(start / TILE_WIDTH);
    const first = index * TILE_WIDTH;
    const entries = (await bundle(index, TILE_WIDTH)) ?? (await bundle(index, end - first)) ?? [];
    return Array.from({ length: end - start }, (_, i) => entries[start - first + i]);
  };
}
