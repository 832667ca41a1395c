import { once } from "node:events";
import { createServer } from "node:net";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { type Gateway, openGatewayService } from "@wellapi/gateway";
import { RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { RequestIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/request_intake_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import type { MountedSurface, RegisteredOrigins } from "@wellapi/http";
import { boundOpens } from "@wellapi/limits";
import {
  type AnswerGuard,
  type Authentication,
  type Budget,
  type CertificateFiles,
  type CertificatePair,
  createAuthentication,
  createDenials,
  createEndedRequests,
  createUnadmittedRequests,
  type Denials,
  type EndedRequests,
  type FaultOrders,
  type GrpcServer,
  openGrpcServer,
  type Route,
  rpcNameOf,
  type ServerTls,
  type StreamLimit,
  serverInterceptors,
  type UnreadAnswers,
} from "@wellapi/rpc";
import { type Clock, type Closers, createLoop, type Logger } from "@wellapi/runtime";
import type { ClientCertificateSettings } from "./client-certificates.ts";
import { HostError } from "./errors.ts";
import type { RenewedCertificate } from "./mtls-certificate.ts";
import type { HostNetwork } from "./platform.ts";
import { observeCertificate } from "./signals/gauges.ts";

/** The listeners for callers from outside. */
export interface DoorSettings {
  /** Address that both doors listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** How clients show certificates to the gateway. */
  readonly clientCertificates: ClientCertificateSettings;
  /** Origins of web apps that may call the gateway. */
  readonly corsOrigins: readonly string[];
  /** Proxies in front of the doors. The gateway believes their `x-forwarded-for`. */
  readonly trustedProxies: number;
  /** In a service mesh, where sidecars and its edge stand between. */
  readonly behindTls: boolean;
  /** After this long a provider's connection takes no new calls, so that it finds new replicas. Default: none. */
  readonly connectionAgeMs?: number;
}

const renewMs = 24 * 3_600_000;
/** What a caller gets who orders a slow call: longer than hurried clients wait, and shorter than patient ones. */
const slowMs = 10_000;

type Profile = "sandbox" | "production";

/**
 * Authenticates callers from outside, with tokens for `workload`: an edge, or a service that has a surface, which
 * callers reach by way of the edge `gateway`.
 */
export function createDoorAuthentication(options: {
  readonly workload: string;
  readonly edge?: "gateway";
  readonly network: HostNetwork;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly recheckMs: number;
  readonly streamAgeMs: number;
  readonly believeMs?: number;
}): Authentication {
  const { workload, edge, network, streamAgeMs, budget, ...others } = options;
  const exchange = createClient(TokenExchangeService, network.unauthenticated(workload));
  return createAuthentication({
    verifier: network.verifier,
    door: { workload, exchange, budget, streamAgeMs, ...(edge && { edge }) },
    ...others,
  });
}

/** Gives calls that the door `workload` refuses by the callers' table their entries, which identity writes. */
export function openDenials(options: {
  readonly workload: string;
  readonly network: HostNetwork;
  readonly closers: Closers;
  readonly log: Logger;
}): Denials {
  const { workload, network, closers, log } = options;
  const identity = createClient(TokenExchangeService, network.unauthenticated(workload));
  const denials = createDenials({
    log,
    report: ({ token }, method, count, reason) =>
      identity.recordDenials(
        { method: rpcNameOf(method), count, reason },
        { headers: { authorization: `Bearer ${token}` }, timeoutMs: 5_000 },
      ),
  });
  closers.push(`denials of ${workload}`, () => denials.close());
  return denials;
}

/**
 * Keeps what ends at the doors of the process `workload` for the organizations whose requests they are. The log of requests itself is
 * left out: who watches it would see little else.
 */
export function openEndedRequests(options: {
  readonly workload: string;
  readonly network: HostNetwork;
  readonly clock: Clock;
  readonly closers: Closers;
  readonly log: Logger;
}): EndedRequests {
  const { workload, network, clock, closers, log } = options;
  const audit = createClient(RequestIntakeService, network.unauthenticated(workload));
  const requests = createEndedRequests({
    clock,
    log,
    isLeftOut: (method) => method.startsWith(`${RequestLogService.typeName}/`),
    send: (batch) =>
      audit.keepRequests(
        {
          organizations: batch.map(({ requests, omitted, ...one }) => ({
            ...one,
            omitted: BigInt(omitted),
            requests: requests.map(({ startTime, ...request }) => ({
              ...request,
              startTimeMs: BigInt(startTime),
            })),
          })),
        },
        { timeoutMs: 5_000 },
      ),
  });
  closers.push(`ended requests of ${workload}`, () => requests.close());
  return requests;
}

/** The providers' gRPC door (mTLS). */
export async function openGrpcDoor(options: {
  readonly settings: DoorSettings;
  /** Public services only. */
  readonly routes: readonly Route[];
  readonly selfValidating: readonly DescMethod[];
  readonly isConsented: (method: DescMethod) => boolean;
  readonly authentication: Authentication;
  /** Shared by the doors of a process, like `streamLimit` and `unread`. */
  readonly answers: AnswerGuard;
  readonly streamLimit: StreamLimit;
  readonly budget: Budget;
  readonly denials: Denials;
  readonly requests: EndedRequests;
  readonly unread: UnreadAnswers;
  /** A certificate for the door; requested again every day. */
  readonly certificate: () => Promise<ServerTls>;
  /** A sandbox's door has reflection, and callers may order failures there. */
  readonly profile: Profile;
  readonly clock: Clock;
  readonly closers: Closers;
  readonly log: Logger;
}): Promise<GrpcServer> {
  const { settings, certificate, closers, log } = options;
  let tls = await certificate();
  const server = await listening("WELLAPI_GRPC_PORT", settings.grpcPort, () =>
    openGrpcServer({
      routes: options.routes,
      interceptors: serverInterceptors({
        log,
        authentication: options.authentication,
        streamLimit: options.streamLimit,
        budget: options.budget,
        denials: options.denials,
        requests: options.requests,
        release: { guard: options.answers, guards: options.isConsented, unread: options.unread },
        ...faultsIn(options.profile),
        selfValidating: options.selfValidating,
      }),
      host: settings.host,
      port: settings.grpcPort,
      tls,
      ...(settings.connectionAgeMs ? { limits: { connectionAgeMs: settings.connectionAgeMs } } : {}),
      // Behind a proxy, all connections have its address.
      ...(settings.trustedProxies === 0 &&
        !settings.behindTls && { bound: (server) => boundOpens(server, { log }) }),
      unadmitted: createUnadmittedRequests(options),
      reflection: options.profile === "sandbox",
      log,
    }),
  );
  closers.push("gRPC door", () => server.close());
  // It is valid for seven days; a new one every day leaves time to repair a failure.
  const renewal = createLoop({
    everyMs: renewMs,
    async work() {
      const next = await certificate();
      server.reload(next);
      tls = next;
    },
    onError: (err) => log.error({ err }, "the door's certificate was not renewed"),
  });
  closers.push("certificate renewal", renewal.close);
  const stopObserving = observeCertificate("door", () => tls.certificate, options.clock);
  closers.push("signals of the door's certificate", stopObserving);
  return server;
}

/** The HTTP gateway. */
export async function openHttpDoor(options: {
  readonly settings: DoorSettings;
  readonly upstream: Transport;
  /** Public services only. */
  readonly services: readonly DescService[];
  readonly isConsented: (method: DescMethod) => boolean;
  readonly authentication: Authentication;
  readonly answers: AnswerGuard;
  readonly streamLimit: StreamLimit;
  readonly budget: Budget;
  readonly denials: Denials;
  readonly requests: EndedRequests;
  readonly unread: UnreadAnswers;
  /** In a sandbox callers may order failures. */
  readonly profile: Profile;
  readonly surfaces: readonly MountedSurface[];
  readonly registeredOrigins: RegisteredOrigins;
  /** Undefined: plain HTTP. */
  readonly certificates: CertificateFiles<CertificatePair> | undefined;
  /** Of the listener that asks for client certificates; undefined: there is none. */
  readonly mtls: RenewedCertificate | undefined;
  readonly readOnly: () => boolean;
  readonly closers: Closers;
  readonly log: Logger;
}): Promise<Gateway> {
  const { settings, closers, certificates, mtls, profile, ...others } = options;
  const { host, httpPort, corsOrigins, trustedProxies, clientCertificates } = settings;
  const config = {
    host,
    port: httpPort,
    corsOrigins,
    trustedProxies,
    tls: certificates?.current(),
    certificatesFrom: clientCertificates.from,
    mtls: mtls && { port: clientCertificates.port ?? 0, tls: mtls.current() },
  };
  const deps = { ...others, ...faultsIn(profile) };
  const gateway = await listening("WELLAPI_HTTP_PORT", httpPort, () => openGatewayService(config, deps));
  closers.push("gateway", () => gateway.close());
  certificates?.onChange((next) => gateway.reload(next));
  mtls?.onChange((next) => gateway.reloadMtls(next));
  return gateway;
}

/** Nobody orders failures of an exchange that holds real people's data. */
export function faultsIn(profile: Profile): { readonly faults?: FaultOrders } {
  return profile === "sandbox" ? { faults: { slowMs } } : {};
}

/** Both doors drain at once: while one waits for its callers, the other must not take new ones. */
export async function drainDoors([grpc, gateway]: readonly [GrpcServer, Gateway], ms: number): Promise<void> {
  await Promise.all([grpc.drain(ms), gateway.close(ms)]);
}

/** A certificate names `localhost`; TLS clients compare names. */
export function urlHost(host: string): string {
  return host === "127.0.0.1" || host === "0.0.0.0" ? "localhost" : host;
}

/** Where the gateway is called. */
export function httpUrlOf(
  { host, httpFiles }: { readonly host: string; readonly httpFiles: CertificatePair | undefined },
  port: number,
): string {
  return httpFiles ? `https://${urlHost(host)}:${port}` : `http://${host}:${port}`;
}

/** Rejects a port in use before anything is opened: a start works for seconds before it opens its doors. */
export async function refuseTakenPorts(settings: {
  readonly host: string;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly clientCertificates: ClientCertificateSettings;
}): Promise<void> {
  const ports = {
    WELLAPI_GRPC_PORT: settings.grpcPort,
    WELLAPI_HTTP_PORT: settings.httpPort,
    WELLAPI_MTLS_PORT: settings.clientCertificates.port ?? 0,
  };
  for (const [setting, port] of Object.entries(ports)) {
    await listening(setting, port, async () => {
      const server = createServer().listen(port, settings.host);
      await once(server, "listening");
      await once(server.close(), "close");
    });
  }
}

/** Opens a server; if its port is in use, the error says in one line what to do. */
export async function listening<T>(setting: string, port: number, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const taken =
      cause instanceof Error && "code" in cause && /address-in-use|EADDRINUSE/.test(String(cause.code));
    if (!taken) throw cause;
    throw new HostError(
      "port_in_use",
      `port ${port} is taken: stop what listens there, or set ${setting} to another`,
      { cause },
    );
  }
}
