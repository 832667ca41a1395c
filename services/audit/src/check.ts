import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { createLeafSealer } from "@wellapi/access-log";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { commitment, NONCE_BYTES } from "@wellapi/log-verifier";
import { appendLeafHashes, EMPTY_FRONTIER, type Frontier, frontierRoot, leafHash } from "@wellapi/merkle";
import {
  type DocumentCheck,
  type Finding,
  findingOf,
  RESTORE,
  type Store,
  type StoreCheck,
  StoreError,
} from "@wellapi/store";
import type { Kms, Vault } from "@wellapi/vault";
import { isDamagedAccess } from "./access-reader.ts";
import { accessesCollection, type StoredAccess } from "./access-repository.ts";
import { createAccessSealing, isTag } from "./access-sealing.ts";
import { checkTiles } from "./check-tiles.ts";
import { auditCollections } from "./collections.ts";
import { AuditError } from "./errors.ts";
import { openLogKeys } from "./log-keys.ts";
import { createLogRepository, type LogRepository } from "./log-repository.ts";
import { openPublished } from "./start-check.ts";

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
    if (!same(own, access.commitment)) return of("its entry's hash is another one", UNPROVEN, RESTORE);
    if (!isOf(access, secret)) return of("the organization beside it is another one", MISLISTED, RESTORE);
    const index = await log.indexOf(id);
    if (index === undefined) return undefined; // on its way
    const published = await entryAt(log, index);
    if (published !== undefined && !same(published, own)) {
      return of(`entry ${index} of the log is not the one of this access`, UNPROVEN, RESTORE);
    }
    return undefined;
  };

  /** An access that the next start will tag is not compared. */
  function isOf({ organization: tag }: StoredAccess, secret: Uint8Array): boolean {
    if (tag !== undefined && !isTag(tag)) return true;
    const { organization } = fromBinary(AccessSchema, secret.subarray(NONCE_BYTES));
    return tag === (organization === "" ? undefined : sealing.tagOf(organization));
  }

  return {
    collections: auditCollections,
    documents: { [accessesCollection.name]: accesses },
    together: () => lookAtLog(deps, log),
  };
}

const MISLISTED =
  "one access of one patient is missing in its organization's list, or stands in another's; the patient sees it";
const HIDDEN =
  "one access of one patient cannot be shown; what the log has published of it can still be proven";
const UNPROVEN = "one access of one patient cannot be proven";

async function entryAt(log: LogRepository, index: number): Promise<Uint8Array | undefined> {
  try {
    return (await log.entries(index, index + 1))[0];
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function* lookAtLog(deps: AuditCheckDeps, log: LogRepository): AsyncGenerator<Finding> {
  const { frontier: stored } = await log.tree();
  const note = await readFile(join(deps.publishedDirectory, "checkpoint"), "utf8").catch(() => undefined);
  const { published, finding } = await publishedOf(deps, log, note, stored);
  if (finding !== undefined) yield finding;
  let tree: Frontier = EMPTY_FRONTIER;
  let whole = true;
  let publishedRoot: Uint8Array | undefined = published?.size === 0 ? frontierRoot(tree) : undefined;
  for (let at = 0; at < stored.size; ) {
    // Up to the edge of the published tree, whose root is compared.
    const edge = published !== undefined && at < published.size ? published.size : stored.size;
    const end = Math.min(at + PAGE, edge);
    const page = await entriesOf(log, at, end);
    if (page.missing !== undefined) {
      whole = false;
      yield entryFinding(page.missing, "the entry is missing, or does not decode");
    }
    tree = appendLeafHashes(tree, page.entries.map(leafHash));
    at = end;
    if (at === published?.size) publishedRoot = frontierRoot(tree);
  }
  // A tile that differs from a damaged entry may be right.
  if (!whole) return;
  if (!same(frontierRoot(tree), frontierRoot(stored))) {
    return yield entryFinding(undefined, "the entries do not lead to the root that is stored beside them");
  }
  if (published !== undefined && publishedRoot !== undefined && !same(publishedRoot, published.root)) {
    return yield entryFinding(undefined, "the entries do not lead to the root that was published");
  }
  yield* checkTiles(deps.directory, stored.size, log);
}

/** Entries [start, end); zeros in place of a missing one. */
async function entriesOf(log: LogRepository, start: number, end: number) {
  try {
    return { entries: await log.entries(start, end), missing: undefined };
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const entries: Uint8Array[] = [];
  let missing: number | undefined;
  for (let index = start; index < end; index++) {
    const entry = await entryAt(log, index);
    if (entry === undefined) missing ??= index;
    entries.push(entry ?? new Uint8Array(32));
  }
  return { entries, missing };
}

function isMissing(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === "damaged";
  return error instanceof AuditError && error.code === "tree_damaged";
}

async function publishedOf(
  deps: AuditCheckDeps,
  log: LogRepository,
  note: string | undefined,
  tree: Frontier,
) {
  const { kms, publishedDirectory, trustDomain } = deps;
  const read = async () => readFile(join(publishedDirectory, "keys.json"), "utf8").catch(() => undefined);
  const nothing = async () => {};
  if (tree.size === 0 && note === undefined) return {};
  try {
    const keys = await openLogKeys({
      // Nothing is written: keys that were replaced are read as they are.
      log: { ...log, setKeys: nothing },
      kms,
      origin: `${trustDomain}/log`,
      file: { read, write: nothing },
    });
    if (note === undefined)
      return { finding: publishedFinding("the checkpoint that was published is missing") };
    const published = openPublished(note, keys);
    if (published.size <= tree.size) return { published };
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

function entryFinding(index: number | undefined, what: string): Finding {
  const said = {
    what,
    means: "audit does not start: the accesses behind it could not be proven",
    remedy: "restore a newer backup of audit.db, or declare the break (docs/operations.md, Restore)",
  };
  return index === undefined ? said : findingOf("log_entries", ["log", index], said);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
