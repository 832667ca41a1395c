import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createLeafSealer } from "@wellapi/access-log";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { RequestIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/request_intake_service_pb";
import type { Tree } from "@wellapi/log-verifier";
import { type Frontier, frontierRoot, hexKeyId } from "@wellapi/merkle";
import { openReceiptKey } from "@wellapi/receipts";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import {
  type Clock,
  createDamageReporter,
  type DamageReporter,
  type Logger,
  observeGauge,
} from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Kms, Vault } from "@wellapi/vault";
import { tagStoredAccesses } from "./access-migration.ts";
import { createAccessReader } from "./access-reader.ts";
import { type AccessRepository, createAccessRepository } from "./access-repository.ts";
import { createAccessSealing } from "./access-sealing.ts";
import { openCheckedLog, placeholderTree, storedTree } from "./checked-log.ts";
import { type AuditConfig, originOf } from "./config.ts";
import { createDurableFile } from "./durable-file.ts";
import { startRefused } from "./errors.ts";
import { createAuditHandlers, createIntakeHandlers } from "./handlers.ts";
import { createIntake } from "./intake.ts";
import { createIntegrator } from "./integrator.ts";
import { type LogKeys, openLogKeys } from "./log-keys.ts";
import { createLogRepository, type LogRepository } from "./log-repository.ts";
import { createDirectoryHandlers } from "./noted/directory-handlers.ts";
import { createNotedAccesses } from "./noted/noted-access.ts";
import { createPublicLog, type PublicLog } from "./public-log.ts";
import { openPublication } from "./publication.ts";
import { createRequestHandlers, createRequestIntakeHandlers } from "./requests/request-handlers.ts";
import { openRequestLog } from "./requests/request-log.ts";
import { createRequestPages } from "./requests/request-pages.ts";
import { createRequestReader } from "./requests/request-reader.ts";
import { createRequestWriter } from "./requests/request-writer.ts";
import { openPublished, settlePublished } from "./start-check.ts";
import { createUsageHandlers } from "./usage/usage-handlers.ts";
import { createUsageRepository } from "./usage/usage-repository.ts";

export interface AuditDeps {
  /** Declares `auditCollections`; no other process writes to them. */
  readonly store: Store;
  readonly vault: Vault;
  readonly terminology: Terminology;
  readonly kms: Kms;
  readonly clock: Clock;
  readonly pageTokens: PageTokens;
  readonly log: Logger;
  /** Moves the store's events out: called after a commit with some. */
  readonly onEvents: () => void;
}

export interface OpenAuditService {
  /** AuditService, UsageService, AuditIntakeService and AccessDirectoryService. */
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
 * else (a backup, another log's store). A damaged log is opened: see `openCheckedLog`.
 */
export async function openAuditService(config: AuditConfig, deps: AuditDeps): Promise<OpenAuditService> {
  const { store, vault, kms, clock, pageTokens, log: logger } = deps;
  const damage = createDamageReporter({ store: "audit", log: logger });
  const log = createLogRepository(store);
  const accesses = createAccessRepository(store);
  const opened = await openLog(config, deps, { log, accesses, damage, onSound: () => integrator.wake() });
  const { publication, keys, tiles, health, check } = opened;

  const sealer = await createLeafSealer({ kms, service: "audit" });
  const sealing = await createAccessSealing({ vault, sealer, kms });
  const whole = await tagStoredAccesses({ store, sealing, log: logger });
  const usage = createUsageRepository({ store, sealer, sealing, damage });
  const pages = createRequestPages({ store, sealer, damage });
  const requests = openRequestLog({
    reader: createRequestReader({ pages, sealing }),
    writer: createRequestWriter({ store, pages, sealing }),
    clock,
    log: logger,
  });
  const integrator = createIntegrator({
    log,
    publication,
    health,
    tiles,
    usage,
    damage,
    clock,
    everyMs: config.integrateEveryMs ?? 250,
    logger,
  });
  const intake = createIntake({
    accesses,
    log,
    health,
    sealing,
    usage,
    clock,
    noted: createNotedAccesses(),
    onPending: integrator.wake,
    onNoted: deps.onEvents,
  });
  const reader = createAccessReader({
    accesses,
    log,
    sealing,
    whole,
    publishedSize: publication.size,
    damage,
  });
  const publicLog = createPublicLog({ publication, tiles, health, successions: keys.notes });
  const { verifierKey } = keys.current;
  const { jwks } = await openReceiptKey(kms);
  const damaged = () => health.damages().length + (health.treeIsSound() ? 0 : 1);
  const stopObserving = observeGauge("logDamage", () => [{ value: damaged() }]);

  integrator.wake();
  return {
    routes: [
      route(
        AuditService,
        createAuditHandlers({
          terminology: deps.terminology,
          reader,
          publicLog,
          pageTokens,
          verifierKey,
          receiptKeys: JSON.stringify(jwks),
        }),
      ),
      route(UsageService, createUsageHandlers({ usage, pageTokens, clock })),
      route(RequestLogService, createRequestHandlers({ requests, pageTokens, clock })),
      route(RequestIntakeService, createRequestIntakeHandlers({ requests, clock })),
      route(AuditIntakeService, createIntakeHandlers(intake)),
      route(AccessDirectoryService, createDirectoryHandlers({ reader, terminology: deps.terminology })),
    ],
    tiles: { read: publicLog.read },
    verifierKey,
    settled: integrator.settled,
    async close() {
      stopObserving();
      await requests.close();
      await check.close();
      await integrator.close();
    },
  };
}

/** What was published, the keys, and the checked log: in this order, so that a store of another log signs nothing. */
async function openLog(
  config: AuditConfig,
  { kms, clock, log: logger }: AuditDeps,
  parts: {
    readonly log: LogRepository;
    readonly accesses: AccessRepository;
    readonly damage: DamageReporter;
    readonly onSound: () => void;
  },
) {
  const { log } = parts;
  const publishedDirectory = config.publishedDirectory ?? config.directory;
  await mkdir(config.directory, { recursive: true });
  await mkdir(publishedDirectory, { recursive: true, mode: 0o700 });
  const file = createDurableFile(publishedDirectory, "checkpoint");
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
  const stored = await storedTree(log);
  const published = note === undefined ? undefined : openPublished(note, opened);
  const tree = stored ?? placeholderTree(published);
  const settled = await settlePublished({
    published,
    tree,
    keys: opened,
    path: join(publishedDirectory, "checkpoint"),
    accepted: config.acceptBreak,
    now: clock.now(),
  });
  const checked = await openCheckedLog({
    ...parts,
    directory: config.directory,
    stored,
    published: settled.published,
    // Some ten milliseconds.
    checkedAtStart: config.checkedAtStart ?? 4_096,
    logger,
  });
  const sound = checked.health.treeIsSound();
  const keys = sound
    ? await rotated(settled.keys, config.rotateKey, settled.published, tree, clock.now())
    : settled.keys;
  const signers =
    keys.before === undefined ? ([keys.current] as const) : ([keys.current, keys.before] as const);
  const start = {
    tree: sound ? tree : undefined,
    // After a declared break the old log's checkpoint is not this one's.
    published: settled.published && note !== undefined ? { note, size: settled.published.size } : undefined,
  };
  return { ...checked, keys, publication: await openPublication(signers, file, start) };
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
