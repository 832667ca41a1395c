import { consistencyProof, inclusionProof, parseTilePath, TILE_WIDTH } from "@wellapi/merkle";
import { invalidField } from "./errors.ts";
import type { LogHealth } from "./log-health.ts";
import type { Publication } from "./publication.ts";
import type { Tiles } from "./tiles.ts";

/** The public part of the log. It answers for the published tree only. Throws `log_damaged` for what is not whole. */
export interface PublicLog {
  checkpoint(): string;
  /** Throws `invalid_field`, naming the current size, for an index or size beyond it. */
  inclusionProof(index: bigint, size: bigint): Promise<Uint8Array[]>;
  consistencyProof(firstSize: bigint, secondSize: bigint): Promise<Uint8Array[]>;
  /**
   * `successions`: the notes by which keys took the place of others, a JSON array. C2SP tlog-tiles: `checkpoint`, `tile/<level>/<index>[.p/<width>]`, `tile/entries/<index>[.p/<width>]`, without
   * a leading slash. Undefined (404) for any other path and for what is beyond the published tree. Tiles may be
   * cached for ever.
   */
  read(path: string): Promise<Uint8Array | undefined>;
}

export function createPublicLog(deps: {
  readonly publication: Publication;
  readonly tiles: Tiles;
  readonly health: LogHealth;
  readonly successions: readonly string[];
}): PublicLog {
  const { publication, tiles, health, successions } = deps;

  function checkSize(field: string, value: bigint, most: number): number {
    if (value >= 0n && value <= BigInt(most)) return Number(value);
    const size = publication.size();
    throw invalidField(field, `must be 0 to ${most}; the log has ${size} entries now`, "OUT_OF_RANGE");
  }

  return {
    checkpoint: publication.checkpoint,
    async inclusionProof(index, size) {
      const treeSize = checkSize("size", size, publication.size());
      if (index < 0n || index >= size) {
        const now = `the log has ${publication.size()} entries now`;
        throw invalidField("index", `must be at least 0 and below size; ${now}`, "OUT_OF_RANGE");
      }
      health.assertProvable();
      // A proof of an entry that the log cannot show would say that all is well.
      await tiles.assertEntry(Number(index));
      return inclusionProof(Number(index), treeSize, tiles.hashes);
    },
    async consistencyProof(firstSize, secondSize) {
      const to = checkSize("second_size", secondSize, publication.size());
      const from = checkSize("first_size", firstSize, to);
      health.assertProvable();
      return consistencyProof(from, to, tiles.hashes);
    },
    async read(path) {
      if (path === "checkpoint") return Buffer.from(publication.checkpoint(), "utf8");
      if (path === "successions") return Buffer.from(JSON.stringify(successions), "utf8");
      const tile = parsePath(path);
      if (tile === undefined) return undefined;
      const level = tile.kind === "hashes" ? tile.level : 0;
      const nodes = Math.floor(publication.size() / TILE_WIDTH ** level);
      if (tile.index * TILE_WIDTH + tile.width > nodes) return undefined;
      if (tile.kind === "hashes") health.assertProvable();
      return tile.kind === "hashes"
        ? tiles.hashes(tile.level, tile.index, tile.width)
        : tiles.entryBundle(tile.index, tile.width);
    },
  };
}

function parsePath(path: string) {
  try {
    return parseTilePath(path);
  } catch {
    return undefined;
  }
}
