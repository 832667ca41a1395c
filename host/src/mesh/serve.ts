import { createClient } from "@connectrpc/connect";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { ingestionSelfValidating } from "@wellapi/ingestion";
import { keysCollections, openKeysService } from "@wellapi/keys";
import {
  certificateIdentity,
  createAuthentication,
  openGrpcServer,
  type Route,
  serverInterceptors,
  sidecarIdentity,
} from "@wellapi/rpc";
import { createClosers, type Logger } from "@wellapi/runtime";
import {
  composeAudit,
  composeConsent,
  composeIdentity,
  composeIngestion,
  composeRecords,
} from "../compositions.ts";
import { listening } from "../doors.ts";
import type { ServiceConfig } from "./config.ts";
import { openEdges } from "./edges.ts";
import { type MeshPlatform, openMeshPlatform } from "./platform.ts";
import type { ServiceName } from "./services.ts";

/** What a process says once it serves: one JSON document on one line of its standard output. */
export interface Announcement {
  readonly service: ServiceName;
  readonly pid: number;
  /** Where other services call; the gateway has none. */
  readonly port?: number;
  /** Of identity, at the installation's first start only. */
  readonly operatorKey?: string;
  /** Of the gateway. */
  readonly grpc?: string;
  readonly http?: string;
  readonly authority?: string;
  readonly verifierKey?: string;
}

export interface ServedService {
  readonly announcement: Announcement;
  /** Drains, then closes everything in reverse. */
  close(): Promise<void>;
}

interface Composed {
  readonly routes: readonly Route[];
  readonly ready?: (signal: AbortSignal) => Promise<void>;
  readonly firstOperatorKey?: string | undefined;
}

const compositions: Readonly<
  Record<Exclude<ServiceName, "gateway">, (platform: MeshPlatform) => Promise<Composed>>
> = {
  keys: composeKeys,
  audit: composeAudit,
  identity: composeIdentity,
  consent: composeConsent,
  records: composeRecords,
  ingestion: composeIngestion,
};

/** In the mesh only: in one process the vault has the keys in a file of its own. */
async function composeKeys(platform: MeshPlatform): Promise<Composed> {
  const { clock, closers } = platform;
  const store = await platform.openFile("patient-keys", keysCollections);
  const journal = await platform.openJournalFile();
  const keys = await openKeysService({ store, journal, clock });
  closers.push("keys", () => keys.close());
  return keys;
}

/**
 * Runs one service in this process, and resolves once it can be called. The signal ends the wait for other services:
 * it rejects then, with everything closed.
 */
export async function openServedService(
  service: ServiceName,
  config: ServiceConfig,
  log: Logger,
  signal: AbortSignal,
): Promise<ServedService> {
  const closers = createClosers();
  return closers.guard(async () => {
    const platform = await openMeshPlatform({ service, config, closers, log, signal });
    const announcement: Announcement =
      service === "gateway"
        ? { service, pid: process.pid, ...(await openEdges(platform, config, signal)) }
        : await openInner(service, config, platform, signal);
    if (config.healthPort !== undefined) await openHealth(config, config.healthPort, platform);
    return { announcement, close: () => closers.closeAll() };
  });
}

async function openInner(
  service: Exclude<ServiceName, "gateway">,
  config: ServiceConfig,
  platform: MeshPlatform,
  signal: AbortSignal,
): Promise<Announcement> {
  const { network, certificates, clock, closers, log } = platform;
  const composed = await compositions[service](platform);
  await composed.ready?.(signal);
  const authentication = createAuthentication({
    verifier: network.verifier,
    clock,
    onward: createClient(TokenExchangeService, network.unauthenticated(service)),
  });
  const tls = () => {
    const { certificate, privateKey, authority } = certificates!.current();
    return { certificate, privateKey, clientAuthority: authority };
  };
  const server = await listening("WELLAPI_PORT", config.port, () =>
    openGrpcServer({
      routes: composed.routes,
      interceptors: serverInterceptors({ log, authentication, selfValidating: ingestionSelfValidating }),
      host: config.host,
      port: config.port,
      ...(certificates && { tls: tls() }),
      peers: certificates ? certificateIdentity(config) : sidecarIdentity(config),
      limits: {
        messageBytes: 4 * 1_048_576,
        concurrentStreams: 10_000,
        // A sidecar has one connection here, and balances calls itself.
        ...(config.workload && config.connectionAgeMs ? { connectionAgeMs: config.connectionAgeMs } : {}),
      },
      reflection: false,
      log,
    }),
  );
  closers.push("server", () => server.drain(config.drainMs));
  certificates?.onChange(() => server.reload(tls()));
  const { firstOperatorKey } = composed;
  return {
    service,
    pid: process.pid,
    port: server.port,
    ...(firstOperatorKey === undefined ? {} : { operatorKey: firstOperatorKey }),
  };
}

/** The probe's own port: health, in plain text, and nothing else. It drains first. */
async function openHealth(config: ServiceConfig, port: number, platform: MeshPlatform): Promise<void> {
  const { network, clock, closers, log } = platform;
  const authentication = createAuthentication({ verifier: network.verifier, clock });
  const server = await listening("WELLAPI_HEALTH_PORT", port, () =>
    openGrpcServer({
      routes: [],
      interceptors: serverInterceptors({ log, authentication }),
      // Kubernetes asks at the pod's address, through the sidecar's agent too, where `config.host` is loopback.
      host: config.workload ? config.host : "0.0.0.0",
      port,
      reflection: false,
      log,
    }),
  );
  closers.push("health", () => server.drain(0));
}
