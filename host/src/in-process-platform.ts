import { basename } from "node:path";
import type { Interceptor } from "@connectrpc/connect";
import { embeddedEventsCollections, openEmbeddedEvents, openRelay } from "@wellapi/events";
import { ingestionSelfValidating } from "@wellapi/ingestion";
import { openFileJournal } from "@wellapi/journal";
import { createAuthentication, serverInterceptors } from "@wellapi/rpc";
import { type Closers, createDamageReporter, type Logger, randomIds, systemClock } from "@wellapi/runtime";
import type { CollectionDeclaration, SqliteStore, Store } from "@wellapi/store";
import { openTerminology } from "@wellapi/terminology";
import { openVault, vaultCollections } from "@wellapi/vault";
import type { DataFolder } from "./data-folder.ts";
import {
  createNetwork,
  type Installation,
  type LogFiles,
  type Network,
  once,
  openJournalAccess,
  openKeys,
  openServiceLog,
  type Platform,
} from "./platform.ts";
import { measureCommits } from "./signals/commits.ts";
import { reportDamage } from "./signals/damage.ts";
import { createSwitchboard, type Switchboard } from "./switchboard.ts";

/** All services in this process: SQLite files in one folder, events in a store, calls through a switchboard. */
export interface InProcessPlatform extends Platform {
  /** What a service serves is mounted here for the others. */
  readonly switchboard: Switchboard;
  /** Those that are open, by the names of their files, without `.db`. */
  readonly stores: ReadonlyMap<string, SqliteStore>;
}

export function createInProcessPlatform(options: {
  readonly installation: Installation;
  readonly folder: DataFolder;
  /** Folder of the journal, and the one that somebody has accepted as it is. */
  readonly journal: { readonly folder: string; readonly accepted: string | undefined };
  readonly logFiles: LogFiles;
  /** Of what the installation adds. */
  readonly terminologyDir: string | undefined;
  readonly closers: Closers;
  readonly log: Logger;
}): InProcessPlatform {
  const { installation, folder, closers, log } = options;
  const clock = systemClock;
  const ids = randomIds;

  const switchboard: Switchboard = createSwitchboard(() => interceptors());
  const network: Network = createNetwork({
    transport: switchboard.transport,
    reader: "door",
    trustDomain: installation.trustDomain,
    clock,
  });
  /** Those of the wire. */
  const interceptors = (): readonly Interceptor[] =>
    serverInterceptors({
      log,
      authentication: createAuthentication({ verifier: network.verifier, clock }),
      selfValidating: ingestionSelfValidating,
    });

  const stores = new Map<string, SqliteStore>();

  async function openStore(name: string, collections: readonly CollectionDeclaration[]): Promise<Store> {
    const store = await folder.open(name, collections);
    closers.push(`store ${name}`, () => store.close());
    stores.set(basename(name, ".db"), store);
    const service = basename(name, ".db");
    const damage = createDamageReporter({ store: service, log });
    return reportDamage(measureCommits(store, "sqlite", service), damage);
  }

  const keys = once(() => openKeys(folder.masterKey, closers));
  const base = { installation, clock, ids, log, closers, network, keys };
  return {
    ...base,
    switchboard,
    stores,
    replicated: false,
    terminology: once(() => openTerminology(options.terminologyDir)),
    logFiles: options.logFiles,
    openStore,
    vault: once(async () => {
      const { kms } = await keys();
      const vault = await openVault({
        store: await openStore(folder.keyStore, vaultCollections),
        kms,
        clock,
        damage: createDamageReporter({ store: basename(folder.keyStore, ".db"), log }),
      });
      closers.push("vault", () => vault.close());
      return vault;
    }),
    journal: once(async () => {
      const repository = await openFileJournal({ folder: options.journal.folder, clock });
      closers.push("journal", () => repository.close());
      return openJournalAccess(repository, await keys(), options.journal.accepted);
    }),
    openAccessLog: (service, store) => openServiceLog(base, service, store, folder.reserve(service)),
    // One engine for all services: its store is open once, and what one publishes another consumes.
    openEvents: once(async () => {
      const store = await openStore("events", embeddedEventsCollections);
      const onError = (err: unknown) => log.warn({ err }, "an event was not handled, or its store failed");
      const events = await openEmbeddedEvents({ store, clock, onError });
      closers.push("events", () => events.close());
      return events;
    }),
    openRelay: (store, events) =>
      openRelay({ store, events, onError: (err) => log.warn({ err }, "events wait in the outbox") }),
  };
}
