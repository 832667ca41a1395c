import { createClient, type Transport } from "@connectrpc/connect";
import { createLeafSealer, type OpenAccessLog, openAccessLog } from "@wellapi/access-log";
import type { Events, Relay } from "@wellapi/events";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { createJournal, type JournalAccess, type JournalRepository } from "@wellapi/journal";
import {
  asCaller,
  asService,
  createPageTokens,
  createTokens,
  createTokenVerifier,
  type PageTokens,
  type TokenVerifier,
} from "@wellapi/rpc";
import type { Clock, Closers, Ids, Logger } from "@wellapi/runtime";
import type { CollectionDeclaration, Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import { createPairwise, type Kms, type OpenVault, openLocalKms, type Pairwise } from "@wellapi/vault";
import { observeLeafOutbox } from "./signals/gauges.ts";

/** What an installation is, wherever its services run. */
export interface Installation {
  /** SPIFFE trust domain, issuer of tokens, and name of the log. */
  readonly trustDomain: string;
  /** In the sandbox an operator can issue patients' tokens, and the gRPC door has reflection. */
  readonly profile: "sandbox" | "production";
  /** Home region of the patients. */
  readonly region: string;
  /** How long after its arrival a block of samples may be merged with others, in milliseconds. */
  readonly compactAfterMs: number;
  /** Fewest samples that readers of hourly and daily data are told together. */
  readonly releaseMinimum: number;
  /** Numbers of the roots of identity's authority that are trusted, ascending. None: those that there are. */
  readonly authorities: readonly number[];
}

/** Calls between services, each for the workload that it is made by. */
export interface Network {
  /** Verifies internal tokens by identity's keys. */
  readonly verifier: TokenVerifier;
  /** Without a token: the called service sees the workload only. */
  unauthenticated(workload: string): Transport;
  /** On the workload's own behalf. */
  onOwn(workload: string): Transport;
  /** On behalf of the caller of the call under way. */
  onBehalf(workload: string): Transport;
}

/** What is derived from the installation's master key. */
export interface Keys {
  readonly kms: Kms;
  readonly pairwise: Pairwise;
  readonly pageTokens: PageTokens;
}

/** Where the log's files lie, and what an operator has decided of it. */
export interface LogFiles {
  /** Of tiles, which are a cache. */
  readonly directory: string;
  /** Of what was published and of the log's keys: apart from the data. */
  readonly publishedDirectory: string;
  readonly acceptBreak: string | undefined;
  readonly rotateKey: string | undefined;
}

/**
 * What services stand on. compositions.ts says how each service is made from it; in one process they share one
 * platform, in the mesh each process has its own. Whatever is opened is closed by `closers`. A service that does
 * not ask for keys never holds any.
 */
export interface Platform {
  readonly installation: Installation;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly closers: Closers;
  readonly network: Network;
  /** Whether other processes write to the same stores: replicas of a service, over one database. */
  readonly replicated: boolean;
  readonly logFiles: LogFiles;
  /** Codes and categories, with those that the installation adds. Throws TerminologyError where they cannot be used. */
  terminology(): Promise<Terminology>;
  keys(): Promise<Keys>;
  /** Patients' keys, in one store for all services that ask. */
  vault(): Promise<OpenVault>;
  /** What a restore must not undo: apart from the data, one for all services. */
  journal(): Promise<JournalAccess>;
  /** A service's own store. */
  openStore(name: string, collections: readonly CollectionDeclaration[]): Promise<Store>;
  /** A service's own outbox of leaves. */
  openAccessLog(service: string, store: Store): Promise<OpenAccessLog>;
  openEvents(subjects: readonly string[]): Promise<Events>;
  /** Moves a store's events out. */
  openRelay(store: Store, events: Events): Relay;
}

/** `transport` calls for a workload without a token; `reader` is the workload that fetches identity's keys. */
export function createNetwork(options: {
  readonly transport: (workload: string) => Transport;
  readonly reader: string;
  readonly trustDomain: string;
  readonly clock: Clock;
}): Network {
  const { transport, reader, trustDomain, clock } = options;
  const tokensOf = (workload: string) =>
    createTokens({ exchange: createClient(TokenExchangeService, transport(workload)), clock });
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

export async function openKeys(masterKey: string, closers: Closers): Promise<Keys> {
  const kms = await openLocalKms({ path: masterKey });
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

/** A service's outbox of leaves, with the file that takes them while its store cannot. */
export async function openServiceLog(
  platform: Pick<Platform, "clock" | "ids" | "log" | "closers" | "network" | "keys">,
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

/** Runs `open` once, at the first call. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}
