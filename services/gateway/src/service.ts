import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import {
  createPacedAnswers,
  createSendQueues,
  type HttpServer,
  type HttpServerOptions,
  type MountedSurface,
  openHttpServer,
  type PacedAnswers,
  type RegisteredOrigins,
} from "@wellapi/http";
import {
  type AnswerGuard,
  type Authentication,
  type Budget,
  type CertificatePair,
  createUnadmittedRequests,
  type Denials,
  type EndedRequests,
  type FaultOrders,
  type StreamLimit,
  serverInterceptors,
  type UnreadAnswers,
} from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import { type GatewayConfig, gatewayLimits } from "./config.ts";
import { createRpcSurface, noSuchPath } from "./rpc-surface.ts";
import { createUnknownPaths } from "./unknown-path.ts";

export interface GatewayDeps {
  /** Reaches the public services as the workload `gateway`; without credentials of its own. */
  readonly upstream: Transport;
  /** Exchanges callers' credentials as the workload `gateway`: createAuthentication with `door`. */
  readonly authentication: Authentication;
  /** Which answers about patients may leave. */
  readonly answers: AnswerGuard;
  /** How many streams an application may have open; any number unless given. */
  readonly streamLimit?: StreamLimit;
  /** What callers may spend; as much as they like unless given. */
  readonly budget?: Budget;
  /** Gives refused callers their entries; they leave none unless given. */
  readonly denials?: Denials;
  /** Tells organizations of their calls; nobody is told unless given. */
  readonly requests?: EndedRequests;
  /** Ends answers whose readers take nothing; they wait for ever unless given. */
  readonly unread?: UnreadAnswers;
  /** Callers may order failures, in a sandbox; whoever tries is refused unless given. */
  readonly faults?: FaultOrders;
  /** Paces streams by their readers; within the usual limits unless given. */
  readonly paced?: PacedAnswers;
  /** The gateway's own pages, and the surfaces of the other services: themselves in a shared process, else their representatives. */
  readonly surfaces: readonly MountedSurface[];
  /** Origins that applications have registered for their pages; none unless given. */
  readonly registeredOrigins?: RegisteredOrigins;
  /** Whether no data is stored, for want of room on the disk. */
  readonly readOnly?: () => boolean;
  readonly log: Logger;
  /** What is served: public services only. */
  readonly services: readonly DescService[];
  /** Whether the method's answers are a patient's data, which leave under consent. */
  isConsented(method: DescMethod): boolean;
}

export interface Gateway extends Pick<HttpServer, "port" | "reload" | "close"> {
  /** Of the listener that asks clients for certificates; undefined: there is none. */
  readonly mtlsPort: number | undefined;
  /** As `reload`, of that listener. */
  reloadMtls(tls: CertificatePair): void;
}

/** The HTTP door: Connect and gRPC-Web for partners and web apps, and every other surface of the installation. */
export async function openGatewayService(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const { log, upstream } = deps;
  const interceptors = serverInterceptors({
    log,
    authentication: deps.authentication,
    maximumTimeoutMs: config.maximumTimeoutMs ?? gatewayLimits.maximumTimeoutMs,
    release: {
      guard: deps.answers,
      guards: (method) => deps.isConsented(method),
      ...(deps.unread && { unread: deps.unread }),
    },
    ...(deps.streamLimit && { streamLimit: deps.streamLimit }),
    ...(deps.budget && { budget: deps.budget }),
    ...(deps.denials && { denials: deps.denials }),
    ...(deps.requests && { requests: deps.requests }),
    ...(deps.faults && { faults: deps.faults }),
  });
  const { authentication, requests } = deps;
  const unadmitted = requests && createUnadmittedRequests({ authentication, requests });
  const rpc = createRpcSurface({
    services: deps.services,
    upstream,
    interceptors,
    ordersFaults: deps.faults !== undefined,
    ...(unadmitted && { unadmitted }),
    maximumMessageBytes: gatewayLimits.maximumMessageBytes,
    paced: deps.paced ?? createPacedAnswers(createSendQueues()),
  });
  const shared = {
    host: config.host,
    surfaces: [...deps.surfaces, { surface: rpc }],
    notFound: noSuchPath,
    ...(unadmitted && { onNotFound: createUnknownPaths(deps.services, unadmitted) }),
    log,
  };
  const main = await openHttpServer({
    ...shared,
    port: config.port,
    portSetting: "WELLAPI_HTTP_PORT",
    corsOrigins: config.corsOrigins,
    ...(deps.registeredOrigins && { registeredOrigins: deps.registeredOrigins }),
    trustedProxies: config.trustedProxies ?? 0,
    ...(config.tls && { edgeTls: config.tls }),
    ...(config.certificatesFrom && { clientCertificates: config.certificatesFrom }),
    health: true,
    ...(deps.readOnly && { readOnly: deps.readOnly }),
  });
  const mtls = config.mtls && (await openMtls(config.mtls, shared, main));
  return {
    port: main.port,
    mtlsPort: mtls?.port,
    reload: main.reload,
    reloadMtls: (tls) => mtls?.reload(tls),
    close: async (graceMs) => void (await Promise.all([main.close(graceMs), mtls?.close(graceMs)])),
  };
}

/**
 * For programs (RFC 8705): TLS ends here, so that the handshake itself proves whose the certificate is. Browsers, which would
 * ask their users for a certificate, have nothing to do here.
 */
async function openMtls(
  { port, tls }: NonNullable<GatewayConfig["mtls"]>,
  shared: Pick<HttpServerOptions, "host" | "surfaces" | "notFound" | "log">,
  main: HttpServer,
): Promise<HttpServer> {
  const options = { ...shared, port, portSetting: "WELLAPI_MTLS_PORT", edgeTls: tls, corsOrigins: [] };
  try {
    return await openHttpServer({ ...options, clientCertificates: "connection" });
  } catch (error) {
    await main.close();
    throw error;
  }
}
