import { basename } from "node:path";
import type { Interceptor } from "@connectrpc/connect";
import { embeddedEventsCollections, openEmbeddedEvents, openRelay } from "@wellapi/events";
import { openFileJournal } from "@wellapi/journal";
import { createAuthentication, serverInterceptors } from "@wellapi/rpc";
import { type Closers, createDamageReporter, type Logger, randomIds, systemClock } from "@wellapi/runtime";
import type { Installation, LogFolders, Registry } from "@wellapi/service";
import type { CollectionDeclaration, SqliteStore, Store } from "@wellapi/store";
import { openTerminology } from "@wellapi/terminology";
import { openVault, vaultCollections } from "@wellapi/vault";
import type { DataFolder, HowOpened } from "./data-folder.ts";
import { explained, type MasterKey } from "./master-key/open.ts";
import {
  createAccessEnds,
  createNetwork,
  type HostNetwork,
  type HostPlatform,
  once,
  openEnforcement,
  openJournalAccess,
  openKeys,
  openServiceLog,
} from "./platform.ts";
import { measureCommits } from "./signals/commits.ts";
import { reportDamage } from "./signals/damage.ts";
import { traceEvents } from "./signals/traced-events.ts";
import { createSwitchboard, type Switchboard } from "./switchboard.ts";

/** All services in this process: SQLite files in one folder, events in a store, calls through a switchboard. */
export interface InProcessPlatform extends HostPlatform {
  /** Each service's contracts are mounted here for the others. */
  readonly switchboard: Switchboard;
  /** The open stores, by their file names without `.db`. */
  readonly stores: ReadonlyMap<string, SqliteStore>;
}

export function createInProcessPlatform(options: {
  readonly installation: Installation;
  readonly registry: Registry;
  readonly folder: DataFolder;
  readonly masterKey: MasterKey;
  /** Folder of the journal, and the journal that an operator has accepted as it is. */
  readonly journal: { readonly folder: string; readonly accepted: string | undefined };
  readonly logFolders: LogFolders;
  /** Whether the disk has no room for data. */
  readonly readOnly: () => boolean;
  /** Folder of the codes and categories that the installation adds. */
  readonly terminologyDir: string | undefined;
  readonly closers: Closers;
  readonly log: Logger;
}): InProcessPlatform {
  const { installation, registry, folder, closers, log } = options;
  const clock = systemClock;
  const ids = randomIds;

  const switchboard: Switchboard = createSwitchboard(() => interceptors());
  const network: HostNetwork = createNetwork({
    transport: switchboard.transport,
    reader: "door",
    trustDomain: installation.trustDomain,
    clock,
  });
  /** The interceptors of the wire. */
  const interceptors = (): readonly Interceptor[] =>
    serverInterceptors({
      log,
      authentication: createAuthentication({ verifier: network.verifier, clock }),
      selfValidating: registry.services.flatMap((service) => service.selfValidating ?? []),
    });

  const stores = new Map<string, SqliteStore>();

  async function openFile(
    name: string,
    collections: readonly CollectionDeclaration[],
    how?: HowOpened,
  ): Promise<Store> {
    const store = await folder.open(name, collections, how);
    closers.push(`store ${name}`, () => store.close());
    stores.set(basename(name, ".db"), store);
    const service = basename(name, ".db");
    const damage = createDamageReporter({ store: service, log });
    return reportDamage(measureCommits(store, "sqlite", service), damage);
  }

  async function openJournalFile() {
    const repository = await openFileJournal({ folder: options.journal.folder, clock, thread: "shared" });
    closers.push("journal", () => repository.close());
    return repository;
  }

  const keys = once(() => openKeys(options.masterKey, closers));
  const base = { installation, clock, ids, log, closers, network, keys };
  return {
    ...base,
    switchboard,
    stores,
    replicated: false,
    readOnly: options.readOnly,
    terminology: once(() => openTerminology(options.terminologyDir)),
    accessEnds: createAccessEnds(log),
    logFolders: options.logFolders,
    enforcement: openEnforcement(base),
    openFile,
    openJournalFile,
    openStore: (name, store) => openFile(name, store.collections, store),
    vault: once(async () => {
      const { kms } = await keys();
      const store = await openFile(folder.keyStore, vaultCollections, { sharesThread: true });
      const damage = createDamageReporter({ store: basename(folder.keyStore, ".db"), log });
      const vault = await explained(() => openVault({ store, kms, clock, damage }));
      closers.push("vault", () => vault.close());
      return vault;
    }),
    journal: once(async () =>
      openJournalAccess(await openJournalFile(), await keys(), options.journal.accepted),
    ),
    openAccessLog: (service, store) => openServiceLog(base, service, store, folder.reserve(service)),
    // One engine for all services: its store is opened once, and each consumes what the others publish.
    openEvents: once(async () => {
      const store = await openFile("events", embeddedEventsCollections, { sharesThread: true });
      const onError = (err: unknown) => log.warn({ err }, "an event was not handled, or its store failed");
      const events = await openEmbeddedEvents({ store, clock, onError });
      closers.push("events", () => events.close());
      return traceEvents(events, "embedded");
    }),
    openRelay: (store, events) =>
      openRelay({ store, events, onError: (err) => log.warn({ err }, "events wait in the outbox") }),
  };
}
