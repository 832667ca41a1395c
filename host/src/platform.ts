import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { createLeafSealer, type OpenAccessLog, openAccessLog } from "@wellapi/access-log";
import { Answers, openEnforcer } from "@wellapi/enforcer";
import type { Events, Relay } from "@wellapi/events";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { createJournal, type JournalAccess, type JournalRepository } from "@wellapi/journal";
import {
  asCaller,
  asService,
  createOnwardTokens,
  createPageTokens,
  createTokenVerifier,
  type TokenVerifier,
} from "@wellapi/rpc";
import type { Clock, Closers, Ids, Logger } from "@wellapi/runtime";
import type {
  AccessEnds,
  Enforcement,
  Installation,
  Keys,
  LogFolders,
  StoreDescriptor,
} from "@wellapi/service";
import type { CollectionDeclaration, Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import { createPairwise, type OpenVault } from "@wellapi/vault";
import { type MasterKey, openMasterKey } from "./master-key/open.ts";
import { observeLeafOutbox, observeSession } from "./signals/gauges.ts";

/** Calls between services, each for the workload that makes it. */
export interface HostNetwork {
  /** Verifies internal tokens by identity's keys. */
  readonly verifier: TokenVerifier;
  /** Without a token: the called service sees the workload only. */
  unauthenticated(workload: string): Transport;
  /** On the workload's own behalf. */
  onOwn(workload: string): Transport;
  /** On behalf of the caller of the current call. */
  onBehalf(workload: string): Transport;
}

/**
 * The platform of this process for the services that run in it: one service in a mesh, all of them in one process,
 * where they share it. Each service gets a limited view, made by `platformOf` (service-platform.ts).
 */
export interface HostPlatform {
  readonly installation: Installation;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly closers: Closers;
  readonly network: HostNetwork;
  readonly replicated: boolean;
  readonly accessEnds: AccessEnds;
  readonly readOnly: () => boolean;
  readonly logFolders: LogFolders;
  terminology(): Promise<Terminology>;
  keys(): Promise<Keys>;
  vault(): Promise<OpenVault>;
  journal(): Promise<JournalAccess>;
  openStore(service: string, store: StoreDescriptor): Promise<Store>;
  openAccessLog(service: string, store: Store): Promise<OpenAccessLog>;
  openEvents(subjects: readonly string[]): Promise<Events>;
  openRelay(store: Store, events: Events): Relay;
  /** The first caller opens it, as its own workload. */
  enforcement(workload: string): Promise<Enforcement>;
  openFile(name: string, collections: readonly CollectionDeclaration[]): Promise<Store>;
  openJournalFile(): Promise<JournalRepository>;
}

/** `transport` calls for a workload without a token; `reader` is the workload that fetches identity's keys. */
export function createNetwork(options: {
  readonly transport: (workload: string) => Transport;
  readonly reader: string;
  readonly trustDomain: string;
  readonly clock: Clock;
}): HostNetwork {
  const { transport, reader, trustDomain, clock } = options;
  const tokensOf = (workload: string) =>
    createOnwardTokens({ exchange: createClient(TokenExchangeService, transport(workload)), clock });
  return {
    verifier: createTokenVerifier({
      issuer: `https://${trustDomain}`,
      jwks: async () => (await createClient(TokenService, transport(reader)).getJwks({})).jwks,
      clock,
    }),
    unauthenticated: transport,
    onOwn: (workload) => asService(transport(workload), tokensOf(workload)),
    onBehalf: (workload) => asCaller(transport(workload), tokensOf(workload)),
  };
}

export async function openKeys(masterKey: MasterKey, closers: Closers): Promise<Keys> {
  const kms = await openMasterKey(masterKey);
  closers.push("kms", () => kms.close());
  return {
    kms,
    pairwise: createPairwise({ secret: await kms.derive("pairwise") }),
    pageTokens: createPageTokens(await kms.derive("page-tokens")),
  };
}

/** The journal of a repository, authenticated with a key of the installation. */
export async function openJournalAccess(
  repository: JournalRepository,
  { kms }: Keys,
  accepted: string | undefined,
): Promise<JournalAccess> {
  return { journal: await createJournal({ repository, kms }), accepted };
}

const reserveBytes = 4 * 1024 * 1024;

/** A service's outbox of leaves, with the reserve file for times when its store cannot take them. */
export async function openServiceLog(
  platform: Pick<HostPlatform, "clock" | "ids" | "log" | "closers" | "network" | "keys">,
  service: string,
  store: Store,
  reservePath: string,
): Promise<OpenAccessLog> {
  const { kms } = await platform.keys();
  const accessLog = await openAccessLog({
    store,
    ids: platform.ids,
    clock: platform.clock,
    sealer: await createLeafSealer({ kms, service }),
    intake: platform.network.onOwn(service),
    reserve: { path: reservePath, bytes: reserveBytes },
    log: platform.log,
  });
  platform.closers.push(`access log of ${service}`, () => accessLog.close());
  platform.closers.push(`signals of ${service}`, observeLeafOutbox(service, accessLog, platform.clock));
  return accessLog;
}

/** An enforcer with a session of the workload, and its answers in flight. One a process. */
export function openEnforcement({
  network,
  clock,
  log,
  closers,
}: Pick<HostPlatform, "network" | "clock" | "log" | "closers">): HostPlatform["enforcement"] {
  let opened: Enforcement | undefined;
  return async (workload) => {
    if (opened !== undefined) return opened;
    const transport = network.onOwn(workload);
    const enforcer = openEnforcer({ transport, instance: randomUUID(), clock, log });
    closers.push("enforcer", () => enforcer.close());
    closers.push("signals of the session", observeSession(enforcer));
    opened = { enforcer, answers: new Answers(enforcer) };
    return opened;
  };
}

export function createAccessEnds(log: Logger): AccessEnds {
  const listeners = new Set<(id: string) => void>();
  return {
    tell(id) {
      for (const listener of listeners) {
        try {
          listener(id);
        } catch (err) {
          log.error({ err }, "a door did not forget a credential that has ended");
        }
      }
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Runs `open` once, at the first call. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}
