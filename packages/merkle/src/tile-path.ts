import { MerkleError } from "./errors.ts";
import { TILE_WIDTH } from "./tile.ts";

/** What a path of C2SP tlog-tiles names. `width` is 1 to 256; below 256 the path ends in `.p/<width>`. */
export type TilePath =
  | { readonly kind: "hashes"; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: "entries"; readonly index: number; readonly width: number };

const MAX_LEVEL = 63;
// All six groups that an index below 2^53 can have. The rules for leading zeros are checked by formatting again.
const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** The path below the log's prefix, without a leading slash: `tile/0/x001/234.p/5`, `tile/entries/000`. */
export function formatTilePath(path: TilePath): string {
  const { index, width } = path;
  if (!Number.isSafeInteger(index) || index < 0)
    throw new MerkleError("invalid_argument", "a tile's index is an integer from 0 to 2^53-1");
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH)
    throw new MerkleError("invalid_argument", "a tile's width is 1 to 256");
  if (path.kind === "hashes" && !(Number.isInteger(path.level) && path.level >= 0 && path.level <= MAX_LEVEL))
    throw new MerkleError("invalid_argument", "a tile's level is 0 to 63");
  const groups = [threeDigits(index % 1000)];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${threeDigits(rest % 1000)}`);
  const suffix = width === TILE_WIDTH ? "" : `.p/${width}`;
  return `tile/${path.kind === "hashes" ? path.level : "entries"}/${groups.join("/")}${suffix}`;
}

/** The inverse of `formatTilePath`. Throws `path_invalid` on every string that it would not have made. */
export function parseTilePath(text: string): TilePath {
  const match = PATH.exec(text);
  if (match === null) throw new MerkleError("path_invalid", "not a tile path");
  const [, place = "", groups = "", partial] = match;
  const index = Number(groups.replaceAll(/[x/]/g, ""));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  const path: TilePath =
    place === "entries"
      ? { kind: "entries", index, width }
      : { kind: "hashes", level: Number(place), index, width };
  // One tile has one path, so that caches and files cannot hold it twice.
  if (
    width > TILE_WIDTH ||
    !Number.isSafeInteger(index) ||
    (path.kind === "hashes" && path.level > MAX_LEVEL) ||
    formatTilePath(path) !== text
  )
    throw new MerkleError("path_invalid", "not a canonical tile path");
  return path;
}

function threeDigits(n: number): string {
  return String(n).padStart(3, "0");
}
