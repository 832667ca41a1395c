import type { Transport } from "@connectrpc/connect";
import type { AccessLog } from "@wellapi/access-log";
import type { Answers, Enforcer } from "@wellapi/enforcer";
import type { Relay } from "@wellapi/events";
import { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { createFollower, type JournalAccess } from "@wellapi/journal";
import type { ReceiptKey } from "@wellapi/receipts";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import {
  type Clock,
  createDamageReporter,
  createFairShare,
  createLoop,
  type Ids,
  type Logger,
} from "@wellapi/runtime";
import { createTrueTimes, type OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise, Vault } from "@wellapi/vault";
import { createBlockRepository } from "./blocks/block-repository.ts";
import { openCommitHub } from "./blocks/commit-hub.ts";
import { createDevicePriorityRepository } from "./blocks/device-priority-repository.ts";
import { loadHead } from "./blocks/head-repository.ts";
import { createObservationRepository } from "./blocks/observation-repository.ts";
import { createPatientQueue } from "./blocks/patient-queue.ts";
import type { PeerSignals } from "./blocks/peer-commits.ts";
import { createClinicalMemory } from "./clinical/clinical-memory.ts";
import { createClinicalWrites } from "./clinical/clinical-write.ts";
import { type Compactor, openCompactor } from "./compaction/compactor.ts";
import type { RecordsConfig } from "./config.ts";
import { createClinicalHandlers } from "./door/clinical-handlers.ts";
import { createExportHandlers } from "./door/export-handlers.ts";
import { createReadHandlers } from "./door/read-handlers.ts";
import { createWriteHandlers } from "./door/write-handlers.ts";
import { createDownloads } from "./exports/downloads.ts";
import { createExportRepository } from "./exports/export-repository.ts";
import { createExports } from "./exports/exports.ts";
import { createConsentClient } from "./gate/consent-client.ts";
import { createDataPolicy } from "./gate/data-policy.ts";
import { createDirectory } from "./gate/directory-client.ts";
import { createGate } from "./gate/gate.ts";
import { createRestricting } from "./gate/restrictions-client.ts";
import { createReleaseRepository } from "./lots/release-repository.ts";
import { createReleases } from "./lots/releases.ts";
import { DAY_MS } from "./model/utc-day.ts";
import { createPreviewHandlers } from "./preview/preview-handlers.ts";
import { createArrivalRepository } from "./read/arrival-repository.ts";
import { createAppend } from "./write/append.ts";
import { createDevicePriorities } from "./write/device-priorities.ts";
import { createErase } from "./write/erase.ts";
import { createErasureRepository } from "./write/erasure-repository.ts";
import { createOrganizationTotals } from "./write/organization-totals.ts";
import { createRetention } from "./write/retention.ts";
import { createRetract } from "./write/retract.ts";

export interface RecordsDeps {
  /** Declares `recordsCollections`. */
  readonly store: Store;
  readonly vault: Vault;
  readonly pairwise: Pairwise;
  /** This service's own enforcer; it is asked before every read, write and message. */
  readonly enforcer: Enforcer;
  /** Answers in flight under the enforcer's session. */
  readonly answers: Pick<Answers, "begin">;
  readonly accessLog: AccessLog;
  /** Outlives the store: erasures are recorded in it, and replayed from it before the service opens. */
  readonly journal: JournalAccess;
  /** Moves events out of the store; notified of each commit. Without it events leave later. */
  readonly relay?: Pick<Relay, "notify">;
  /** Signals to the other replicas, which get each commit. Without them, replicas find commits at their next look. */
  readonly signals?: PeerSignals;
  /** Calls identity and consent, authenticated for this service's workload. */
  readonly identity: Transport;
  readonly consent: Transport;
  readonly pageTokens: PageTokens;
  /** The codes and their ranges: the same for every service that decides. */
  readonly terminology: Terminology;
  /** Signs receipts of erasures; its public half is published by the audit service. */
  readonly receiptKey: Pick<ReceiptKey, "sign">;
  readonly clock: Clock;
  /** What time it is for each organization. Default: the true time. */
  readonly times?: OrganizationTimes;
  readonly ids: Ids;
  readonly log: Logger;
  /** Whether the disk has no room for data: batches are then refused, and everything else goes on. */
  readonly readOnly?: () => boolean;
}

export interface RecordsServer {
  readonly routes: readonly Route[];
  readonly compaction: Pick<Compactor, "waitingMs">;
  /** Stops background work. The resources in `deps` stay open. */
  close(): Promise<void>;
}

/**
 * Unary reads of a tenant that compute at once. All compute in one thread, so this is not to compute more at a time: while some wait for the
 * store, another computes, and what several ask of the store in one turn goes there in one message. More would stand in each other's way, and in
 * the way of the first call of a neighbour who was silent. Their entries are committed together all the same, outside their places.
 */
const unaryReads = { alone: 4, beside: 1 };

/**
 * Opens the service and continues the erasures that an earlier run began. Replays the journal first, where the store
 * or the keys lack entries of it. Throws JournalError where the journal does not belong to the store.
 */
export async function openRecordsService(config: RecordsConfig, deps: RecordsDeps): Promise<RecordsServer> {
  const { store, vault, pairwise, enforcer, clock, times = createTrueTimes(clock), log } = deps;
  const { region, backupRetentionDays = 35, resumeEveryMs = 5_000, lookEveryMs } = config;
  const { compactAfterMs = 30 * 60_000, releaseMinimum = 5 } = config;
  const { storageMib = 16_384, series = 10_000, saveTotalsEveryMs = 5_000 } = config;
  const { organizationStorageMib = 1_048_576, organizationSeries = 10_000_000 } = config;
  const { auditRetentionYears: years = 6, retireEveryMs = 60 * 60_000 } = config;
  const directory = createDirectory(deps.identity, clock);
  const consents = createConsentClient({ ...deps, times, region });
  const policy = createDataPolicy({ ...deps, restricting: createRestricting(deps.identity), region });
  const gate = createGate({ ...deps, consents, directory, policy, region });
  const hub = openCommitHub(
    lookEveryMs === undefined
      ? undefined
      : {
          ...(deps.signals && { signals: deps.signals }),
          lookEveryMs,
          versionOf: async (partition) => (await loadHead(store, partition))?.revision,
          onError: (error) => log.warn({ err: error }, "commits of other replicas are learnt late"),
        },
  );
  const relay = deps.relay ?? { notify() {} };
  const share = createFairShare(unaryReads);
  const writing = { ...deps, relay, gate, hub, directory, consents, queue: createPatientQueue() };
  const damage = createDamageReporter({ store: "records", log });
  const opening = { damage, ...createClinicalMemory({ ...deps, damage }) };
  const journal = createFollower({ ...deps.journal, store, log });
  const totals = createOrganizationTotals(store, pairwise, {
    bytes: organizationStorageMib * 1_048_576,
    series: organizationSeries,
  });
  const erase = createErase({ ...writing, journal, totals });
  const retention = createRetention({
    ...writing,
    journal,
    years,
    erasures: createErasureRepository(store),
  });
  await journal.start(erase.replay);
  // Keys are stored apart from the data and may come from an older copy while the data does not, so all entries are
  // compared.
  const { base } = await deps.journal.journal.extent();
  for await (const entry of deps.journal.journal.entries(base)) {
    await erase.replay(entry);
    await retention.replay(entry);
  }
  const stopListening = enforcer.onRecall((recall) => {
    if (recall === undefined) hub.wakeAll();
    else hub.wake(recall.partition);
  });
  const blocks = createBlockRepository(store, vault, damage);
  const releases = createReleaseRepository(store, vault, writing.queue, damage);
  const priorities = createDevicePriorityRepository(store, vault, damage);
  const observations = createObservationRepository(store, vault, damage);
  const reading = {
    ...writing,
    region,
    share,
    blocks,
    releases: createReleases({ store, vault, clock, blocks, releases }, releaseMinimum),
    observations,
    ...opening,
  };
  const reads = createReadHandlers({
    ...reading,
    priorities,
    devicePriorities: createDevicePriorities({ ...writing, priorities }),
    erase,
    arrivals: createArrivalRepository(store, vault, damage),
    backupRetentionMs: backupRetentionDays * DAY_MS,
  });
  const writes = createWriteHandlers({
    append: createAppend({ ...writing, totals, holdings: { bytes: storageMib * 1_048_576, series } }),
    retract: createRetract({ ...writing, damage }),
    pairwise,
    terminology: deps.terminology,
    share,
  });
  const clinical = createClinicalHandlers({
    ...writing,
    ...opening,
    share,
    writes: createClinicalWrites({ ...writing, totals, damage, holdings: { bytes: storageMib * 1_048_576 } }),
  });
  const compactor = openCompactor({ ...writing, damage }, compactAfterMs);
  // Unfinished erasures: at once, then at intervals, because one may stop at any time, in any replica.
  const resuming = createLoop({
    everyMs: resumeEveryMs,
    atOnce: true,
    work: erase.resume,
    onError: (err) => log.error({ err }, "unfinished erasures could not be listed"),
  });
  const retiring = createLoop({
    everyMs: retireEveryMs,
    atOnce: true,
    work: retention.sweep,
    onError: (err) => log.error({ err }, "audit keys whose retention has ended could not be listed"),
  });
  const saving = createLoop({
    everyMs: saveTotalsEveryMs,
    work: totals.save,
    onError: (err) => log.warn({ err }, "what organizations hold of all patients is stored later"),
  });

  return {
    routes: [
      route(RecordsService, reads),
      route(ClinicalRecordsService, clinical),
      route(PreviewService, createPreviewHandlers(reading)),
      route(
        ExportService,
        createExportHandlers({
          ...writing,
          ...opening,
          share,
          blocks,
          observations,
          exports: createExports({ clock, repository: createExportRepository(store, pairwise) }),
          downloads: createDownloads(writing),
        }),
      ),
      route(RecordsWriteService, writes),
    ],
    compaction: compactor,
    async close() {
      stopListening();
      await hub.close();
      await compactor.close();
      await resuming.close();
      await retiring.close();
      await saving.close();
      // What is lost here makes a bound a little wider: no reason to fail.
      await totals.save().catch((err: unknown) => log.warn({ err }, "what organizations hold lacks a part"));
      await journal.close();
    },
  };
}
