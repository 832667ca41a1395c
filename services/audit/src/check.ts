import { createLeafSealer } from "@wellapi/access-log";
import { commitment, type LogDamage, NONCE_BYTES, scanLog } from "@wellapi/log-verifier";
import {
  appendLeafHashes,
  type Checkpoint,
  EMPTY_FRONTIER,
  type Frontier,
  formatTilePath,
  frontierRoot,
  leafHash,
  TILE_WIDTH,
} from "@wellapi/merkle";
import {
  type DocumentCheck,
  type Finding,
  findingOf,
  RESTORE,
  type Store,
  type StoreCheck,
} from "@wellapi/store";
import type { Kms, Vault } from "@wellapi/vault";
import { isDamagedAccess } from "./access-reader.ts";
import { accessesCollection, createAccessRepository, type StoredAccess } from "./access-repository.ts";
import { createAccessSealing, isTag } from "./access-sealing.ts";
import { storedTree } from "./checked-log.ts";
import { auditCollections } from "./collections.ts";
import { organizationOf } from "./convert.ts";
import { entriesOf } from "./log-entries.ts";
import { locateDamage } from "./log-locate.ts";
import { createLogRepository, type LogRepository } from "./log-repository.ts";
import { readPublished } from "./read-published.ts";
import { isWholePage, requestsCollection } from "./requests/request-pages.ts";
import { keptTile } from "./tiles.ts";
import { isWholeUsage, usageCollection } from "./usage/usage-repository.ts";

export interface AuditCheckDeps {
  /** The store of this service; only read. */
  readonly store: Store;
  readonly vault: Vault;
  readonly kms: Kms;
  readonly trustDomain: string;
  /** Folder of the tiles. */
  readonly directory: string;
  /** Folder of the published checkpoint. */
  readonly publishedDirectory: string;
}

/** Entries read at once. */
const PAGE = 1_000;

/** The checks of this service's store, its tiles and its published files, without the service. */
export async function auditCheck(deps: AuditCheckDeps): Promise<StoreCheck> {
  const { store, vault, kms } = deps;
  const log = createLogRepository(store);
  const sealer = await createLeafSealer({ kms, service: "audit" });
  const sealing = await createAccessSealing({ vault, sealer, kms });

  const accesses: DocumentCheck = async (document) => {
    const access = document as StoredAccess;
    const { partition, id } = access;
    const of = (what: string, means: string, remedy: string) =>
      findingOf(accessesCollection.name, [partition, id], { what, means, remedy });
    let secret: Uint8Array | undefined;
    try {
      secret = await sealing.open(partition, id, access.sealed);
    } catch (error) {
      if (!isDamagedAccess(error)) throw error;
      return of("its seal does not open", HIDDEN, RESTORE);
    }
    // Nothing of an erased patient's accesses opens, once their retention is over.
    if (secret === undefined) return undefined;
    const own = commitment(secret.subarray(0, NONCE_BYTES), secret.subarray(NONCE_BYTES));
    if (!sameBytes(own, access.commitment)) return of("its entry's hash is another one", UNPROVEN, RESTORE);
    if (!isOf(access, secret)) return of("the organization beside it is another one", MISLISTED, RESTORE);
    const index = await log.indexOf(id);
    if (index === undefined) return undefined; // on its way
    const [published] = await entriesOf(log, index, index + 1);
    if (published !== undefined && !sameBytes(published, own)) {
      return of(`entry ${index} of the log is not the one of this access`, UNPROVEN, RESTORE);
    }
    return undefined;
  };

  const usage: DocumentCheck = async (document) => {
    if (isWholeUsage(sealer, document)) return undefined;
    const { partition, organization, day, row } = document;
    const key = [partition, organization, day, row].map(String);
    return findingOf(usageCollection.name, key, {
      what: "its seal does not open",
      means: UNCOUNTED,
      remedy: RESTORE,
    });
  };

  const requests: DocumentCheck = async (document) => {
    if (isWholePage(sealer, document)) return undefined;
    const { partition, organization, first } = document;
    return findingOf(requestsCollection.name, [partition, organization, first].map(String), {
      what: "its seal does not open",
      means: UNSHOWN,
      remedy: "none: it is deleted within a week, and what comes is kept beside it",
    });
  };

  /** An access that the next start will tag is not compared. */
  function isOf({ organization: tag }: StoredAccess, secret: Uint8Array): boolean {
    if (tag !== undefined && !isTag(tag)) return true;
    const organization = organizationOf(secret.subarray(NONCE_BYTES));
    return tag === (organization === "" ? undefined : sealing.tagOf(organization));
  }

  return {
    collections: auditCollections,
    documents: {
      [accessesCollection.name]: accesses,
      [usageCollection.name]: usage,
      [requestsCollection.name]: requests,
    },
    together: () => lookAtLog(deps, log),
  };
}

const MISLISTED =
  "one access of one patient is missing in its organization's list, or stands in another's; the patient sees it";
const HIDDEN =
  "one access of one patient cannot be shown; what the log has published of it can still be proven";
const UNCOUNTED = "the usage of one organization cannot be listed over that day; the log itself is whole";
const UNSHOWN =
  "up to 50 requests of one organization's last days are not shown to its developers; the log of accesses itself is whole";
const UNPROVEN = "one access of one patient cannot be proven";

async function* lookAtLog(deps: AuditCheckDeps, log: LogRepository): AsyncGenerator<Finding> {
  const stored = await storedTree(log);
  if (stored === undefined) yield treeFinding("it cannot be read");
  const { published, finding } = await publishedOf(deps, log, stored);
  if (finding !== undefined) yield finding;
  const parts = {
    log,
    accesses: createAccessRepository(deps.store),
    keptTile: (level: number, index: number) => keptTile(deps.directory, level, index),
  };
  const byEntries = published === undefined ? undefined : await entriesLeadTo(published, log);
  if (stored === undefined) return;
  const same = published?.size === stored.size && sameBytes(published.root, frontierRoot(stored));
  if (byEntries === true && published?.size === stored.size && !same) {
    return yield treeFinding("the entries lead to the published root, and it has another one");
  }
  let whole = true;
  for await (const step of scanLog({
    ...parts,
    entries: (start, end) => entriesOf(log, start, end),
    tree: stored,
  })) {
    if (step.kind === "progress") continue;
    whole &&= step.kind === "tile";
    if (step.kind !== "range") yield damageFinding(step);
    else {
      for await (const one of locateDamage(parts, step))
        if (one.kind !== "progress") yield damageFinding(one);
    }
  }
  // The entries are those of the stored tree, so a published one that they do not lead to is another log's.
  if (whole && byEntries === false) {
    yield publishedFinding("the entries do not lead to the root that was published");
  }
}

/** Undefined where one of them is missing: then it is not known. */
async function entriesLeadTo({ size, root }: Checkpoint, log: LogRepository): Promise<boolean | undefined> {
  let tree = EMPTY_FRONTIER;
  while (tree.size < size) {
    const entries = await entriesOf(log, tree.size, Math.min(size, tree.size + PAGE));
    if (entries.includes(undefined)) return undefined;
    tree = appendLeafHashes(tree, (entries as readonly Uint8Array[]).map(leafHash));
  }
  return sameBytes(frontierRoot(tree), root);
}

async function publishedOf(deps: AuditCheckDeps, log: LogRepository, tree: Frontier | undefined) {
  try {
    const published = await readPublished({ ...deps, log });
    if (published === undefined) {
      if (tree?.size === 0) return {};
      return { finding: publishedFinding("the checkpoint that was published is missing") };
    }
    if (tree === undefined || published.size <= tree.size) return { published };
    const lacks = `${published.size} entries were published, and the store has ${tree.size}`;
    return { finding: publishedFinding(lacks) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown";
    return { finding: publishedFinding(`the log's keys or what it published cannot be read: ${reason}`) };
  }
}

function publishedFinding(what: string): Finding {
  return {
    what,
    means: "audit does not start: nobody could tell whether the log only grew",
    remedy:
      "put back the folder `log` of WELLAPI_JOURNAL_DIR, or restore a newer backup (docs/operations.md, Damage)",
  };
}

function damageFinding(damage: LogDamage): Finding {
  switch (damage.kind) {
    case "tile": {
      const { level, index } = damage;
      const path = formatTilePath({ kind: "hashes", level, index, width: TILE_WIDTH });
      return {
        what: `the tile ${path} is not the one of its entries`,
        means: "proofs over it do not verify; the entries themselves are whole",
        remedy: `none: the next start deletes log/${path}, which is a cache, and makes it again`,
      };
    }
    case "entry":
      return findingOf("log_entries", ["log", damage.index], {
        what: `entry ${damage.index} is not the one that the tree commits to`,
        means: "the bundle with this entry is not served; the tree is whole",
        remedy: REPAIR,
      });
    case "range":
      return findingOf("log_entries", ["log", `${damage.start}-${damage.end - 1}`], {
        what: `one or more of the entries ${damage.start} to ${damage.end - 1} are not those that the tree commits to`,
        means: "the accesses behind them cannot be proven",
        remedy: REPAIR,
      });
  }
}

function treeFinding(what: string): Finding {
  return findingOf("log_state", ["log", "tree"], {
    what: `the stored tree of the log is damaged: ${what}`,
    means: "the log takes no entries and signs nothing, and reads that leave an entry are refused",
    remedy: REPAIR,
  });
}

const REPAIR =
  "`wellapi audit repair` puts back what the accesses, a backup or a mirror of the log still hold (docs/operations.md, Damage)";

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
