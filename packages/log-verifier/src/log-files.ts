import {
  appendLeafHashes,
  type Checkpoint,
  decodeEntryBundle,
  EMPTY_FRONTIER,
  type Frontier,
  formatTilePath,
  frontierRoot,
  growTiles,
  HASH_BYTES,
  leafHash,
  MerkleError,
  readFrontier,
  TILE_WIDTH,
  type Tile,
} from "@wellapi/merkle";
import { type LogDamage, scanLog } from "./scan.ts";

/** The entries [start, end) are damaged, or cannot be had. */
export interface LogFinding {
  readonly start: number;
  readonly end: number;
  readonly what: string;
}

/** Fetches a file of the log by its path (C2SP tlog-tiles); `refused`: why the log does not show it. */
export type FetchLogFile = (path: string) => Promise<Uint8Array | { readonly refused: string }>;

/**
 * Compares every entry bundle and every tile of a log with its signed checkpoint. Resolves with what is damaged; with nothing
 * where all lead to the signed root. Fetches one bundle and one tile at a time.
 */
export async function verifyLogFiles(
  checkpoint: Checkpoint,
  fetchFile: FetchLogFile,
  onProgress: (entries: number) => void = () => {},
): Promise<readonly LogFinding[]> {
  const { size } = checkpoint;
  const files = createLogFiles(fetchFile, size);
  const signed = await signedTree(checkpoint, files);
  if (signed === undefined) {
    const what = "neither the tiles nor the entries lead to the root that the log has signed";
    return [...files.refused.values(), { start: 0, end: size, what }];
  }
  const findings: LogFinding[] = [];
  for await (const step of scanLog({ ...files, tree: signed.tree })) {
    if (step.kind === "progress") onProgress(step.entries);
    else findings.push(findingOf(step, size));
  }
  findings.push(...(await wrongPartialTiles(signed.partial, files, size)), ...files.misshapen.values());
  // The log itself has said which entry of a bundle it cannot show; nothing is known of the bundle's others.
  const said = [...files.refused.values()];
  const isSaid = (one: LogFinding) => said.some(({ start, end }) => one.start >= start && one.end <= end);
  return [...said, ...findings.filter((one) => !isSaid(one))];
}

function findingOf(damage: LogDamage, size: number): LogFinding {
  switch (damage.kind) {
    case "entry": {
      const { index } = damage;
      return { start: index, end: index + 1, what: `entry ${index} is not the one that the log has signed` };
    }
    case "range": {
      const { start, end } = damage;
      const which = `one or more of the entries ${start} to ${end - 1}`;
      return { start, end, what: `${which} are not those that the log has signed` };
    }
    case "tile": {
      const { level, index } = damage;
      const covered = TILE_WIDTH ** (level + 1);
      const path = formatTilePath({ kind: "hashes", level, index, width: widthOf(level, index, size) });
      const what = `${path} is not the tile of its entries; the entries are whole`;
      return { start: index * covered, end: Math.min(size, (index + 1) * covered), what };
    }
  }
}

/**
 * The tree of the signed root, by the tiles or, where these are damaged, by the entries. `partial`: the partial tiles that the
 * entries have, to compare; none where the tiles themselves have led to the root.
 */
async function signedTree(
  { size, root }: Checkpoint,
  files: LogFiles,
): Promise<{ readonly tree: Frontier; readonly partial: readonly Tile[] } | undefined> {
  const isSigned = (tree: Frontier) => Buffer.compare(frontierRoot(tree), root) === 0;
  try {
    const tree = await readFrontier(size, files.readTile);
    if (isSigned(tree)) return { tree, partial: [] };
  } catch (error) {
    if (!(error instanceof MerkleError)) throw error;
  }
  let tree = EMPTY_FRONTIER;
  let partial: readonly Tile[] = [];
  while (tree.size < size) {
    const entries = await files.entries(tree.size, Math.min(size, tree.size + TILE_WIDTH));
    if (entries.includes(undefined)) return undefined;
    const hashes = (entries as readonly Uint8Array[]).map(leafHash);
    partial = growTiles(tree.size, partial, hashes).partial;
    tree = appendLeafHashes(tree, hashes);
  }
  return isSigned(tree) ? { tree, partial } : undefined;
}

/** `scanLog` compares full tiles alone. */
async function wrongPartialTiles(
  partial: readonly Tile[],
  files: LogFiles,
  size: number,
): Promise<readonly LogFinding[]> {
  const findings: LogFinding[] = [];
  for (const { level, index, bytes } of partial) {
    const content = await files.keptTile(level, index);
    if (content !== undefined && Buffer.compare(content, bytes) !== 0) {
      const finding = findingOf({ kind: "tile", level, index }, size);
      findings.push(finding);
    }
  }
  return findings;
}

type LogFiles = ReturnType<typeof createLogFiles>;

/** Hashes of a tile in a tree of this size. */
function widthOf(level: number, index: number, size: number): number {
  return Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH);
}

/** The log's files, as anybody can fetch them. */
function createLogFiles(fetchFile: FetchLogFile, size: number) {
  /** Bundles that the log does not show, by their index, with its reason. */
  const refused = new Map<number, LogFinding>();
  /** Tiles of another length than their place in the log has, by their path. */
  const misshapen = new Map<string, LogFinding>();
  let last: { readonly index: number; readonly entries: ReadonlyArray<Uint8Array | undefined> } | undefined;

  async function tile(level: number, index: number): Promise<Uint8Array | undefined> {
    const width = widthOf(level, index, size);
    const path = formatTilePath({ kind: "hashes", level, index, width });
    const content = await fetchFile(path);
    if ("refused" in content) return undefined;
    if (content.length === width * HASH_BYTES) return content;
    const covered = TILE_WIDTH ** (level + 1);
    const end = Math.min(size, (index + 1) * covered);
    misshapen.set(path, { start: index * covered, end, what: `${path} does not have ${width} hashes` });
    return undefined;
  }

  async function bundle(index: number): Promise<ReadonlyArray<Uint8Array | undefined>> {
    if (last?.index === index) return last.entries;
    const start = index * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, size - start);
    const content = await fetchFile(formatTilePath({ kind: "entries", index, width }));
    let entries: ReadonlyArray<Uint8Array | undefined> = new Array(width).fill(undefined);
    const refuse = (what: string) => refused.set(index, { start, end: start + width, what });
    if ("refused" in content) refuse(content.refused);
    else {
      try {
        entries = decodeEntryBundle(content, width);
      } catch (error) {
        if (!(error instanceof MerkleError)) throw error;
        refuse("the entry bundle does not parse");
      }
    }
    last = { index, entries };
    return entries;
  }

  return {
    refused,
    misshapen,
    keptTile: tile,
    async readTile(level: number, index: number): Promise<Uint8Array> {
      const bytes = await tile(level, index);
      if (bytes === undefined) throw new MerkleError("tile_invalid", "the log does not show a tile");
      return bytes;
    },
    async entries(start: number, end: number): Promise<ReadonlyArray<Uint8Array | undefined>> {
      const index = Math.floor(start / TILE_WIDTH);
      const first = index * TILE_WIDTH;
      return (await bundle(index)).slice(start - first, end - first);
    },
  };
}
