import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Code } from "@connectrpc/connect";
import {
  type CertificatePair,
  forwardedCertificateHeader,
  type PeerIdentity,
  problemError,
  requestIdFrom,
  requestIdHeader,
  type ServerTls,
  versionHeader,
} from "@wellapi/rpc";
import { type Logger, version } from "@wellapi/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import helmet from "helmet";
import { addClientCertificate, type ClientCertificates } from "./client-certificate.ts";
import { badRequest, type ClientError, refuseBytes } from "./client-error.ts";
import {
  type ConnectionGuard,
  type ConnectionLimits,
  guardConnections,
  usualLimits,
} from "./connection-guard.ts";
import { corsOptions, corsPolicyOf, type OriginStanding, refusedPreflight } from "./cors.ts";
import { HttpError } from "./errors.ts";
import { addHealth } from "./health.ts";
import { type MountedSurface, mountSurface } from "./mount.ts";
import { createPageOrigins, type RegisteredOrigins } from "./page-origins.ts";
import { credentialInQuery } from "./query-credentials.ts";
import { type HttpProblem, refusalOf, refuseRequest, sendRefusal } from "./refusal.ts";
import { callerAddressHeader } from "./request-headers.ts";
import { helmetOptions } from "./security-headers.ts";
import { pathOf, type Surface, surfaceOf } from "./surface.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The setting that chooses the port, for the error where it is taken. */
  readonly portSetting: string;
  readonly surfaces: readonly MountedSurface[];
  /** Origins whose pages may call, each surface as its own policy says; `localOrigins` stands for this machine's. */
  readonly corsOrigins: readonly string[];
  /** Origins that applications have registered for their pages; none unless given. */
  readonly registeredOrigins?: RegisteredOrigins;
  /** Proxies in front whose `x-forwarded-for` is believed; 0 unless given. */
  readonly trustedProxies?: number;
  /** Whether the server answers `/healthz` and `/readyz`. */
  readonly health?: boolean;
  /** Whether no data is stored, for want of room on the disk: `/readyz` says it. */
  readonly readOnly?: () => boolean;
  /** The error where no surface has the path. */
  readonly notFound?: HttpProblem;
  /** Is told of requests that no surface has a path for, once they are answered; nobody is unless given. Must not throw. */
  readonly onNotFound?: (request: FastifyRequest, durationMs: number) => void;
  /** For callers from outside: TLS 1.2 or 1.3, and 1.3 alone where it asks for client certificates. Absent: plain text. */
  readonly edgeTls?: CertificatePair;
  /** Unless given no caller has one, whatever its headers say. `connection` needs `edgeTls`. */
  readonly clientCertificates?: ClientCertificates;
  /** Inside a mesh: TLS 1.3 with client certificates only. Absent: plain text. */
  readonly tls?: ServerTls;
  /** Inside a mesh: the only service that may call, and how it is identified. */
  readonly peer?: { readonly workload: string; readonly identity: PeerIdentity };
  /** The usual ones unless given. */
  readonly connections?: Partial<ConnectionLimits>;
  readonly log: Logger;
}

export interface HttpServer {
  readonly port: number;
  /** Takes a new certificate for new connections; open ones stay. */
  reload(tls: ServerTls | CertificatePair): void;
  /** Takes no new calls, waits for the open ones at most `graceMs` (0 unless given), and ends. */
  close(graceMs?: number): Promise<void>;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Where the caller is connected; undefined where that is not known. */
    callerAddress: string | undefined;
    /** Of the page that asks, if one does. */
    originStanding: OriginStanding;
    /** It was refused before it was a call. */
    refusedEarly: boolean;
  }
}

const nothingHere: HttpProblem = { code: "not_found", reason: "NOT_FOUND", message: "nothing here" };

/** Carries surfaces: connections and their limits, security headers, CORS, health, and shutdown. */
export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, surfaces, notFound = nothingHere } = options;
  assertApart(surfaces.map(({ surface }) => surface));
  const shutdown = new AbortController();
  let stopping = false;
  let guard: ConnectionGuard | undefined;
  const { fastify } = await import("fastify");
  const app = createApp(fastify, options, (error, socket) => {
    if (refuseBytes(error, socket, log)) guard?.failed(socket);
  });
  guard = addConnectionGuard(app, options);
  const inside = options.peer !== undefined;
  addCallerAddress(app, inside);
  addClientCertificate(app, { inside, known: options.clientCertificates });
  // Each surface declares the bodies that it takes.
  app.removeAllContentTypeParsers();
  if (options.peer !== undefined) addPeerCheck(app, options.peer, log);
  app.addHook("onRequest", (request, reply, done) => {
    const problem = credentialInQuery(request.raw.url ?? "");
    if (problem === undefined) done();
    else refuseRequest(reply, { status: 400, problem }, log);
  });
  await addPolicies(app, options);
  if (options.health) addHealth(app, () => stopping, options.readOnly ?? (() => false));
  for (const mounted of surfaces) await mountSurface(app, mounted, { shutdown: shutdown.signal, log });
  app.setNotFoundHandler(async (request, reply) => {
    refuseRequest(reply, { status: 404, problem: notFound }, log);
    options.onNotFound?.(request, reply.elapsedTime);
    return reply;
  });
  app.setErrorHandler(async (error, request, reply) => {
    log.error({ err: error, request_id: request.id }, "unexpected error");
    return sendRefusal(reply, refusalOf(error));
  });
  const port = await listen(app, options);

  let closing: Promise<void> | undefined;
  async function close(graceMs: number): Promise<void> {
    stopping = true;
    const idle = new Promise<void>((resolve) => app.server.close(() => resolve()));
    app.server.closeIdleConnections();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([idle, late]);
    clearTimeout(timer);
    shutdown.abort(
      problemError({
        code: Code.Unavailable,
        reason: "SERVER_STOPPING",
        message: "the server is stopping: call again",
        retryAfterMs: 1_000,
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50)); // Lets the errors of open streams leave first.
    await app.close();
  }

  return {
    port,
    reload(tls) {
      if (!("setSecureContext" in app.server)) throw new TypeError("the server has no TLS");
      (app.server as unknown as { setSecureContext(context: object): void }).setSecureContext(
        secureContext(tls, options.clientCertificates),
      );
    },
    close(graceMs = 0) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

function createApp(
  fastify: typeof import("fastify").fastify,
  { tls, edgeTls, clientCertificates, trustedProxies = 0, log }: HttpServerOptions,
  clientErrorHandler: (error: ClientError, socket: Socket) => void,
): FastifyInstance {
  // Node looks for what is late in this interval; its own, 30 s, would let slow headers live for 40.
  const http = { maxHeaderSize: 16_384, headersTimeout: 10_000, connectionsCheckingInterval: 2_000 };
  const common = {
    logger: false, // It would log URLs; the interceptors log calls.
    requestTimeout: 30_000, // to send a whole request
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
    trustProxy: (_address: string, hop: number) => hop < trustedProxies,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200 },
    genReqId: ({ headers }: IncomingMessage) => requestIdFrom(headers[requestIdHeader] as string | undefined),
    frameworkErrors: (_error: Error, _request: FastifyRequest, reply: FastifyReply) =>
      void refuseRequest(reply, badRequest, log),
    clientErrorHandler,
  } as const;
  const secure = tls ?? edgeTls;
  if (secure === undefined) return fastify({ ...common, http });
  const asks = tls !== undefined || clientCertificates === "connection";
  const clients = asks && { requestCert: true, rejectUnauthorized: tls !== undefined };
  const context = secureContext(secure, clientCertificates);
  const https = { ...http, handshakeTimeout: 10_000, ...context, ...clients };
  return fastify({ ...common, https }) as unknown as FastifyInstance;
}

/** With an authority: inside a mesh. A certificate of TLS 1.2 could change while its connection is open. */
function secureContext(tls: ServerTls | CertificatePair, certificates?: ClientCertificates) {
  const { certificate: cert, privateKey: key } = tls;
  const minVersion = certificates === "connection" ? ("TLSv1.3" as const) : ("TLSv1.2" as const);
  // No authority: some clients show only certificates of one that the server names.
  if (!("clientAuthority" in tls)) return { cert, key, minVersion };
  return { cert, key, ca: tls.clientAuthority, minVersion: "TLSv1.3" as const };
}

/** Behind a proxy, and inside the mesh, the connections of all callers have one address. */
function addConnectionGuard(
  app: FastifyInstance,
  { connections, trustedProxies = 0, peer, log }: HttpServerOptions,
): ConnectionGuard {
  const limits = { ...usualLimits, ...connections };
  const addressesKnown = trustedProxies === 0 && peer === undefined;
  const guard = guardConnections(app.server, { limits, addressesKnown, log });
  app.decorateRequest("refusedEarly", false);
  app.addHook("onResponse", ({ refusedEarly, raw }, _reply, done) => {
    if (refusedEarly) guard.refused(raw.socket);
    done();
  });
  return guard;
}

/** The address that the caller's budget counts. Only the gateway may name another than that of the connection. */
function addCallerAddress(app: FastifyInstance, forwarded: boolean): void {
  app.decorateRequest("callerAddress", undefined);
  app.addHook("onRequest", (request, _reply, done) => {
    // `ip`: of the connection, or what the last trusted proxy says.
    const named = forwarded ? request.raw.headers[callerAddressHeader] : request.ip;
    request.callerAddress = typeof named === "string" ? named : undefined;
    done();
  });
}

/** Inside the mesh: the connection must identify the caller as the one permitted service. */
function addPeerCheck(
  app: FastifyInstance,
  { workload, identity }: NonNullable<HttpServerOptions["peer"]>,
  log: Logger,
): void {
  const known = new WeakMap<object, string | undefined>();
  const nameOf = (socket: TLSSocket): string | undefined => {
    if (!known.has(socket)) known.set(socket, socket.getPeerCertificate?.().subjectaltname);
    return known.get(socket);
  };
  app.addHook("onRequest", async (request, reply) => {
    const forwarded = request.raw.headers[forwardedCertificateHeader];
    const header = new Headers(
      typeof forwarded === "string" ? { [forwardedCertificateHeader]: forwarded } : {},
    );
    const subjectAltName = nameOf(request.raw.socket as TLSSocket);
    if (identity({ subjectAltName, header }) === workload) return;
    const message = `this port is for the service ${workload} only`;
    const problem = { code: "permission_denied", reason: "CALLER_NOT_PERMITTED", message };
    return refuseRequest(reply, { status: 403, problem }, log);
  });
}

/** Security headers, the version and CORS on every answer: also for a missing route, and for a preflight (OPTIONS). */
async function addPolicies(
  app: FastifyInstance,
  { surfaces, corsOrigins, registeredOrigins, peer, log }: HttpServerOptions,
): Promise<void> {
  const declared = surfaces.map(({ surface }) => surface);
  const surfaceAt = ({ raw, routeOptions }: FastifyRequest): Surface | undefined =>
    routeOptions.config?.surface ?? surfaceOf(declared, pathOf(raw.url));
  // Made once: to make them of the options at each request is a hundredth of an RPC's cost.
  const policies = new Map(
    [undefined, ...declared].map((surface) => [
      surface,
      { setHeaders: helmet(helmetOptions(surface?.securityHeaders)), cors: corsPolicyOf(surface) },
    ]),
  );
  const usual = policies.get(undefined)!;
  const policyAt = (request: FastifyRequest) => policies.get(surfaceAt(request)) ?? usual;
  app.addHook("onRequest", (request, reply, done) => {
    policyAt(request).setHeaders(request.raw, reply.raw, () => done());
  });
  // Inside a mesh the edge that forwards the answer says its own.
  if (peer === undefined) {
    app.addHook("onRequest", (_request, reply, done) => {
      reply.raw.setHeader(versionHeader, version);
      done();
    });
  }
  const origins = createPageOrigins(corsOrigins, registeredOrigins);
  app.decorateRequest("originStanding", undefined);
  app.addHook("onRequest", (request, reply, done) => {
    if (registeredOrigins !== undefined) reply.header("vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined) return done();
    origins.standingOf(origin).then((standing) => {
      request.originStanding = standing;
      const refused = refusedPreflight(request, standing, policyAt(request).cors);
      if (refused === undefined) done();
      else refuseRequest(reply, refused, log);
    }, done);
  });
  app.addHook("onSend", async (request, reply) => {
    // Of a surface's own: nobody's page reads anything, also where the surface could not know whose it is.
    if (registeredOrigins !== undefined && request.originStanding === undefined)
      reply.removeHeader("access-control-allow-origin");
    if (surfaceAt(request)?.cors === "anyone") reply.header("access-control-allow-origin", "*");
  });
  if (corsOrigins.length === 0 && registeredOrigins === undefined) return;
  const { default: fastifyCors } = await import("@fastify/cors");
  await app.register(fastifyCors, {
    delegator: (request, callback) =>
      callback(null, corsOptions(request, request.originStanding, policyAt(request).cors)),
  });
}

/** Two surfaces of one path would hide each other. */
function assertApart(surfaces: readonly Surface[]): void {
  const seen = new Set<string>();
  for (const key of surfaces.flatMap(({ name, paths }) => [name, ...paths])) {
    if (seen.has(key)) throw new HttpError("invalid-surface", `${key} belongs to two surfaces`);
    seen.add(key);
  }
}

async function listen(app: FastifyInstance, { host, port, portSetting }: HttpServerOptions): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    if (!(cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE")) throw cause;
    throw new HttpError(
      "address-in-use",
      `${host}:${port} is taken by another process: stop it, or set ${portSetting} to another port (0 takes a free one)`,
      { cause },
    );
  }
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
