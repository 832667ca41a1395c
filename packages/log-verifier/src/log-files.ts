import {
  appendLeafHashes,
  type Checkpoint,
  decodeEntryBundle,
  EMPTY_FRONTIER,
  type Frontier,
  formatTilePath,
  frontierRoot,
  leafHash,
  MerkleError,
  readFrontier,
  TILE_WIDTH,
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
  const tree = await signedTree(checkpoint, files);
  if (tree === undefined) {
    const what = "neither the tiles nor the entries lead to the root that the log has signed";
    return [...files.refused.values(), { start: 0, end: size, what }];
  }
  const findings: LogFinding[] = [];
  for await (const step of scanLog({ ...files, tree })) {
    if (step.kind === "progress") onProgress(step.entries);
    else findings.push(findingOf(step));
  }
  // The log itself has said which entry of a bundle it cannot show; nothing is known of the bundle's others.
  const said = [...files.refused.values()];
  const isSaid = (one: LogFinding) => said.some(({ start, end }) => one.start >= start && one.end <= end);
  return [...said, ...findings.filter((one) => !isSaid(one))];
}

function findingOf(damage: LogDamage): LogFinding {
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
      const path = formatTilePath({ kind: "hashes", level, index, width: TILE_WIDTH });
      const what = `${path} is not the tile of its entries; the entries are whole`;
      return { start: index * covered, end: (index + 1) * covered, what };
    }
  }
}

/** The tree of the signed root, by the tiles or, where these are damaged, by the entries. */
async function signedTree({ size, root }: Checkpoint, files: LogFiles): Promise<Frontier | undefined> {
  const isSigned = (tree: Frontier) => Buffer.compare(frontierRoot(tree), root) === 0;
  try {
    const tree = await readFrontier(size, files.readTile);
    if (isSigned(tree)) return tree;
  } catch (error) {
    if (!(error instanceof MerkleError)) throw error;
  }
  let tree = EMPTY_FRONTIER;
  while (tree.size < size) {
    const entries = await files.entries(tree.size, Math.min(size, tree.size + TILE_WIDTH));
    if (entries.includes(undefined)) return undefined;
    tree = appendLeafHashes(tree, (entries as readonly Uint8Array[]).map(leafHash));
  }
  return isSigned(tree) ? tree : undefined;
}

type LogFiles = ReturnType<typeof createLogFiles>;

/** The log's files, as anybody can fetch them. */
function createLogFiles(fetchFile: FetchLogFile, size: number) {
  /** Bundles that the log does not show, by their index, with its reason. */
  const refused = new Map<number, LogFinding>();
  let last: { readonly index: number; readonly entries: ReadonlyArray<Uint8Array | undefined> } | undefined;

  async function tile(level: number, index: number): Promise<Uint8Array | undefined> {
    const nodes = Math.floor(size / TILE_WIDTH ** level);
    const width = Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH);
    const content = await fetchFile(formatTilePath({ kind: "hashes", level, index, width }));
    return "refused" in content ? undefined : content;
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
