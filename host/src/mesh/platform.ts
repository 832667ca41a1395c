import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type JetStreamEvents, openElectedRelay, relayCollections } from "@wellapi/events";
import { openJetStreamEvents } from "@wellapi/events/jetstream";
import { openFileJournal } from "@wellapi/journal";
import { openWorkloadCertificates, type WorkloadCertificates } from "@wellapi/rpc";
import { type Closers, createDamageReporter, type Logger, randomIds, systemClock } from "@wellapi/runtime";
import type { Registry } from "@wellapi/service";
import { openMongoStore } from "@wellapi/store";
import { openTerminology } from "@wellapi/terminology";
import { openVault } from "@wellapi/vault";
import { prepareDataFolder } from "../data-folder.ts";
import { keyFileAt, type MasterKey } from "../master-key/open.ts";
import {
  createAccessEnds,
  createNetwork,
  type HostPlatform,
  once,
  openEnforcement,
  openJournalAccess,
  openKeys,
  openServiceLog,
} from "../platform.ts";
import { measureCommits } from "../signals/commits.ts";
import { reportDamage } from "../signals/damage.ts";
import { observeCertificate, observeEvents } from "../signals/gauges.ts";
import { traceEvents } from "../signals/traced-events.ts";
import type { ServiceConfig } from "./config.ts";
import { openPeers } from "./peers.ts";
import { createRemoteJournal } from "./remote-journal.ts";
import { createRemoteKeys } from "./remote-keys.ts";

/** One service in this process: MongoDB, JetStream, and mTLS to the others. */
export interface MeshPlatform extends HostPlatform {
  /** Undefined behind a sidecar. */
  readonly certificates: WorkloadCertificates | undefined;
}

/** Bounds how long a key that another process destroyed stays in memory here. Records uses recalls for that. */
const forgetKeysMs = 10_000;
/** An audit key that another process has destroyed is used no longer than this. */
const forgetAuditKeysMs = 3_600_000;

export async function openMeshPlatform(options: {
  readonly service: string;
  readonly registry: Registry;
  readonly config: ServiceConfig;
  readonly closers: Closers;
  readonly log: Logger;
  /** Ends the wait for other services. */
  readonly signal: AbortSignal;
}): Promise<MeshPlatform> {
  const { service, registry, config, closers, log, signal } = options;
  const { trustDomain, profile } = config;
  const clock = systemClock;
  const ids = randomIds;
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });

  const certificates =
    config.workload &&
    (await openWorkloadCertificates({ files: config.workload, everyMs: config.workload.reloadMs, log }));
  if (certificates) {
    closers.push("workload certificates", certificates.close);
    const stop = observeCertificate("workload", () => certificates.current().certificate, clock);
    closers.push("signals of the certificate", stop);
  }
  const transport = openPeers(registry, config, certificates, closers);
  const network = createNetwork({ transport: () => transport, reader: service, trustDomain, clock });

  /** One connection for all events and signals of this process. */
  let events: Promise<JetStreamEvents> | undefined;
  async function openEvents(subjects: readonly string[]): Promise<JetStreamEvents> {
    const events = await openJetStreamEvents({
      servers: config.natsServers,
      stream: config.mongodbPrefix,
      subjects,
      replicas: config.natsReplicas,
      ...(config.natsTls && { tls: config.natsTls }),
      onError: (err) => log.warn({ err }, "events are not delivered"),
      log,
    });
    closers.push("events", () => events.close());
    closers.push("signals of events", observeEvents(events));
    const { natsTls } = config;
    if (natsTls?.certFile) {
      const stop = observeCertificate("nats", () => readFile(natsTls.certFile!, "utf8"), clock);
      closers.push("signals of NATS's certificate", stop);
    }
    return traceEvents(events, "nats");
  }

  const keys = once(async () => openKeys(await masterKeyOf(config), closers));
  const base = { clock, ids, log, closers, network, keys };
  return {
    ...base,
    certificates,
    installation: {
      trustDomain,
      profile,
      region: "local",
      origin: () => config.origin,
      mtlsOrigin: () => config.mtlsOrigin,
    },
    accessEnds: createAccessEnds(log),
    enforcement: openEnforcement(base),
    replicated: true,
    // MongoDB's disk is not this process's.
    readOnly: () => false,
    terminology: once(() => openTerminology(config.terminologyDir)),
    logFolders: {
      directory: join(config.dataDir, "log"),
      // Audit's own volume is separate from MongoDB.
      publishedDirectory: join(config.dataDir, "log"),
    },
    async openStore(name, { collections }) {
      const store = await openMongoStore({
        uri: config.mongodbUri,
        database: `${config.mongodbPrefix}_${name}`,
        // Replicas elect here the one that moves the store's events.
        collections: [...collections, ...relayCollections],
        clock,
      });
      closers.push(`store ${name}`, () => store.close());
      return reportDamage(measureCommits(store, "mongodb", name), createDamageReporter({ store: name, log }));
    },
    async openFile(name, collections) {
      const store = await prepareDataFolder(config.dataDir).open(name, collections);
      closers.push(`store ${name}`, () => store.close());
      return reportDamage(measureCommits(store, "sqlite", name), createDamageReporter({ store: name, log }));
    },
    async openJournalFile() {
      const journal = await openFileJournal({ folder: config.journalDir, clock });
      closers.push("journal", () => journal.close());
      return journal;
    },
    journal: once(async () => {
      const repository = createRemoteJournal(network.unauthenticated(service), signal);
      return openJournalAccess(repository, await keys(), config.acceptJournal);
    }),
    vault: once(async () => {
      const { kms } = await keys();
      const store = createRemoteKeys(network.unauthenticated(service), signal);
      const vault = await openVault({
        store,
        kms,
        clock,
        damage: createDamageReporter({ store: "patient-keys", log }),
      });
      closers.push("vault", () => vault.close());
      const forgetting = setInterval(() => vault.forgetAll("data"), forgetKeysMs);
      const forgettingAudit = setInterval(() => vault.forgetAll("audit"), forgetAuditKeysMs);
      closers.push("forgetting of keys", () => {
        clearInterval(forgetting);
        clearInterval(forgettingAudit);
      });
      return vault;
    }),
    openAccessLog: (name, store) => openServiceLog(base, name, store, join(config.dataDir, `${name}.leaves`)),
    async openEvents(subjects) {
      if (events === undefined) {
        events = openEvents(subjects);
        return events;
      }
      const shared = await events;
      await shared.declare(subjects);
      return shared;
    },
    openRelay: (store, events) =>
      openElectedRelay({
        store,
        events,
        holder: `${service}-${randomUUID()}`,
        onError: (err) => log.warn({ err }, "events wait in the outbox"),
      }),
  };
}

/** A service never makes the key: each would make one. */
async function masterKeyOf({ token, masterKey, passphraseFile }: ServiceConfig): Promise<MasterKey> {
  return token ? { token, create: false } : keyFileAt(masterKey, passphraseFile);
}
