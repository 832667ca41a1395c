import { createClient } from "@connectrpc/connect";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import {
  certificateIdentity,
  createAuthentication,
  openGrpcServer,
  serverInterceptors,
  sidecarIdentity,
} from "@wellapi/rpc";
import { createClosers, type Logger } from "@wellapi/runtime";
import type { Registry, ServiceDescriptor } from "@wellapi/service";
import { httpUrlOf, listening, urlHost } from "../doors.ts";
import { composeService } from "../service-platform.ts";
import { services } from "../services.ts";
import type { ServiceConfig } from "./config.ts";
import { type MeshPlatform, openMeshPlatform } from "./platform.ts";

/** The announcement of a process once it serves: one JSON document on one line of its standard output. */
export interface Announcement {
  readonly service: string;
  readonly pid: number;
  /** Where other services call; the gateway has none. */
  readonly port?: number;
  /** Where the gateway forwards requests for the service's HTTP surfaces. */
  readonly surfacePort?: number;
  /** From identity, at the installation's first start only. */
  readonly operatorKey?: string;
  readonly operatorLink?: string;
  /** For the gateway. */
  readonly grpc?: string;
  readonly http?: string;
  readonly mtls?: string;
  readonly authority?: string;
  readonly verifierKey?: string;
}

export interface ServedService {
  readonly announcement: Announcement;
  /** Drains, then closes everything in reverse. */
  close(): Promise<void>;
}

/**
 * Runs one service in this process, and resolves once it can be called. The signal ends the wait for other services:
 * then it rejects, with everything closed.
 */
export async function openServedService(
  service: string,
  config: ServiceConfig,
  log: Logger,
  signal: AbortSignal,
  registry: Registry = services,
): Promise<ServedService> {
  const closers = createClosers();
  return closers.guard(async () => {
    const platform = await openMeshPlatform({ service, registry, config, closers, log, signal });
    const descriptor = registry.service(service);
    const announcement = descriptor.compose
      ? await openInner(descriptor, registry, config, platform, signal)
      : await openEdge(service, registry, config, platform, signal);
    if (config.healthPort !== undefined) await openHealth(config, config.healthPort, platform);
    return { announcement, close: () => closers.closeAll() };
  });
}

async function openEdge(
  service: string,
  registry: Registry,
  config: ServiceConfig,
  platform: MeshPlatform,
  waiting: AbortSignal,
): Promise<Announcement> {
  const { host, connectionAgeMs, drainMs } = config;
  const age = connectionAgeMs ? { connectionAgeMs } : {};
  const behindTls = config.workload === undefined;
  const settings = { ...config.edges!, host, drainMs, behindTls, ...age };
  const { createRemoteSurfaces } = await import("./surfaces.ts");
  const { openEdges } = await import("../edges.ts");
  const elsewhere = createRemoteSurfaces(config, platform.certificates);
  const edges = await openEdges({ platform, registry, settings, services: { elsewhere }, waiting });
  const { authority, verifierKey } = edges;
  return {
    service,
    pid: process.pid,
    grpc: `https://${urlHost(host)}:${edges.grpcPort}`,
    http: httpUrlOf({ host: urlHost(host), httpFiles: settings.httpFiles }, edges.httpPort),
    ...(edges.mtlsPort !== undefined && { mtls: `https://${urlHost(host)}:${edges.mtlsPort}` }),
    authority,
    verifierKey,
  };
}

async function openInner(
  descriptor: ServiceDescriptor,
  registry: Registry,
  config: ServiceConfig,
  platform: MeshPlatform,
  signal: AbortSignal,
): Promise<Announcement> {
  const { network, certificates, clock, closers, log } = platform;
  const { name: service } = descriptor;
  const composed = await composeService(descriptor, platform, config.settings);
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
      interceptors: serverInterceptors({
        log,
        authentication,
        selfValidating: registry.services.flatMap((one) => one.selfValidating ?? []),
      }),
      host: config.host,
      port: config.port,
      ...(certificates && { tls: tls() }),
      peers: certificates ? certificateIdentity(config) : sidecarIdentity(config),
      limits: {
        messageBytes: 4 * 1_048_576,
        concurrentStreams: 10_000,
        // Behind a sidecar there is one connection here; the sidecar balances calls itself.
        ...(config.workload && config.connectionAgeMs ? { connectionAgeMs: config.connectionAgeMs } : {}),
      },
      reflection: false,
      log,
    }),
  );
  closers.push("server", () => server.close());
  certificates?.onChange(() => server.reload(tls()));
  const surfaces =
    descriptor.surfaces &&
    (await (
      await import("./surfaces.ts")
    ).openSurfaces({ descriptor, composed, registry, config, platform }));
  // Both at once: while one waits for its callers, the other must not take new ones.
  closers.push("drain", async () => {
    await Promise.all([server.drain(config.drainMs), surfaces?.close(config.drainMs)]);
  });
  const { firstOperatorKey, firstOperatorLink } = composed;
  return {
    service,
    pid: process.pid,
    port: server.port,
    ...(surfaces && { surfacePort: surfaces.port }),
    ...(firstOperatorKey === undefined ? {} : { operatorKey: firstOperatorKey }),
    ...(firstOperatorLink === undefined ? {} : { operatorLink: firstOperatorLink() }),
  };
}

/** The port for probes: only health, in plain text. It drains first. */
async function openHealth(config: ServiceConfig, port: number, platform: MeshPlatform): Promise<void> {
  const { network, clock, closers, log } = platform;
  const authentication = createAuthentication({ verifier: network.verifier, clock });
  const server = await listening("WELLAPI_HEALTH_PORT", port, () =>
    openGrpcServer({
      routes: [],
      interceptors: serverInterceptors({ log, authentication }),
      // Kubernetes probes the pod's address, also through the sidecar's agent, where `config.host` is loopback.
      host: config.workload ? config.host : "0.0.0.0",
      port,
      reflection: false,
      log,
    }),
  );
  closers.push("health", () => server.drain(0));
}
