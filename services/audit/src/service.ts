import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createLeafSealer } from "@wellapi/access-log";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import type { Tree } from "@wellapi/log-verifier";
import { type Frontier, frontierRoot, hexKeyId } from "@wellapi/merkle";
import { openReceiptKey } from "@wellapi/receipts";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import { type Clock, createDamageReporter, type Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Kms, Vault } from "@wellapi/vault";
import { tagStoredAccesses } from "./access-migration.ts";
import { createAccessReader } from "./access-reader.ts";
import { createAccessRepository } from "./access-repository.ts";
import { createAccessSealing } from "./access-sealing.ts";
import { type AuditConfig, originOf } from "./config.ts";
import { createDurableFile } from "./durable-file.ts";
import { startRefused } from "./errors.ts";
import { createAuditHandlers, createIntakeHandlers } from "./handlers.ts";
import { createIntake } from "./intake.ts";
import { createIntegrator } from "./integrator.ts";
import { type LogKeys, openLogKeys } from "./log-keys.ts";
import { createLogRepository } from "./log-repository.ts";
import { createPublicLog, type PublicLog } from "./public-log.ts";
import { openPublication } from "./publication.ts";
import { checkTree, openPublished, settlePublished } from "./start-check.ts";
import { createTiles } from "./tiles.ts";

export interface AuditDeps {
  /** Declares `auditCollections`; no other process writes to them. */
  readonly store: Store;
  readonly vault: Vault;
  readonly kms: Kms;
  readonly clock: Clock;
  readonly pageTokens: PageTokens;
  readonly log: Logger;
}

export interface OpenAuditService {
  /** AuditService and AuditIntakeService. */
  readonly routes: readonly Route[];
  /** The log as C2SP tlog-tiles. */
  readonly tiles: Pick<PublicLog, "read">;
  /** Verifies the log's checkpoints: `name+hash+key`. Public; readers pin it. */
  readonly verifierKey: string;
  /** Resolves once every leaf that was taken before the call is integrated and published, or at `close`. */
  settled(): Promise<void>;
  /** Waits for the batch under way. Call before the store's. */
  close(): Promise<void>;
}

/**
 * Opens the log. Throws AuditError `behind_checkpoint` where the store holds less than was published, or something
 * else (a backup, another log's store), and `tree_damaged` where its entries do not lead to its root.
 */
export async function openAuditService(config: AuditConfig, deps: AuditDeps): Promise<OpenAuditService> {
  const { store, vault, kms, clock, pageTokens, log: logger } = deps;
  const publishedDirectory = config.publishedDirectory ?? config.directory;
  await mkdir(config.directory, { recursive: true });
  await mkdir(publishedDirectory, { recursive: true, mode: 0o700 });
  const file = createDurableFile(publishedDirectory, "checkpoint");
  const log = createLogRepository(store);
  const note = await file.read();
  // Checked before a key is made: an emptied store must not sign a second beginning.
  if (note !== undefined && (await log.signingKey()) === undefined)
    throw startRefused("behind_checkpoint", "a checkpoint was published, but the store is empty: restore it");
  const opened = await openLogKeys({
    log,
    kms,
    origin: originOf(config),
    file: createDurableFile(publishedDirectory, "keys.json"),
  });

  const tiles = createTiles({
    directory: config.directory,
    entries: log.entries,
    onCacheFailure: (error) => logger.warn({ err: error }, "a tile could not be cached"),
  });
  const { frontier } = await log.tree();
  const settled = await settlePublished({
    published: note === undefined ? undefined : openPublished(note, opened),
    tree: frontier,
    keys: opened,
    path: join(publishedDirectory, "checkpoint"),
    accepted: config.acceptBreak,
    now: clock.now(),
  });
  await checkTree(frontier, settled.published, tiles);
  const keys = await rotated(settled.keys, config.rotateKey, settled.published, frontier, clock.now());
  const signers =
    keys.before === undefined ? ([keys.current] as const) : ([keys.current, keys.before] as const);
  const publication = await openPublication(signers, file, frontier);

  const accesses = createAccessRepository(store);
  const sealer = await createLeafSealer({ kms, service: "audit" });
  const sealing = await createAccessSealing({ vault, sealer, kms });
  const whole = await tagStoredAccesses({ store, sealing, log: logger });
  const integrator = createIntegrator({
    log,
    publication,
    clock,
    everyMs: config.integrateEveryMs ?? 250,
    logger,
  });
  const intake = createIntake({ accesses, log, sealing, clock, onPending: integrator.wake });
  const reader = createAccessReader({
    accesses,
    log,
    sealing,
    whole,
    publishedSize: publication.size,
    damage: createDamageReporter({ store: "audit", log: logger }),
  });
  const publicLog = createPublicLog(publication, tiles, keys.notes);
  const { verifierKey } = keys.current;
  const { jwks } = await openReceiptKey(kms);

  integrator.wake();
  return {
    routes: [
      route(
        AuditService,
        createAuditHandlers({
          reader,
          publicLog,
          pageTokens,
          verifierKey,
          receiptKeys: JSON.stringify(jwks),
        }),
      ),
      route(AuditIntakeService, createIntakeHandlers(intake)),
    ],
    tiles: { read: publicLog.read },
    verifierKey,
    settled: integrator.settled,
    close: integrator.close,
  };
}

/** Makes a new key where the signing key is the one to replace: a setting that stays has an effect only once. */
async function rotated(
  keys: LogKeys,
  rotateKey: string | undefined,
  published: Tree | undefined,
  tree: Frontier,
  now: number,
): Promise<LogKeys> {
  if (rotateKey === undefined || hexKeyId(keys.current.keyId) !== rotateKey) return keys;
  const continues = { size: tree.size, root: frontierRoot(tree) };
  return keys.succeed({ reason: "rotated", published, continues, time: now });
}
