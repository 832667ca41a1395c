import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, cors, createClient, type Transport } from "@connectrpc/connect";
import fastifyCors from "@fastify/cors";
import fastifyHelmet from "@fastify/helmet";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import {
  type AnswerGuard,
  type Authentication,
  assertRoutes,
  problemError,
  requestIdHeader,
  type StreamLimit,
  serverInterceptors,
  warmValidation,
} from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import fastify from "fastify";
import type { GatewayConfig } from "./config.ts";
import { GatewayError, type HttpProblem } from "./errors.ts";
import { forwardingRoute } from "./forward.ts";
import { addHttpEndpoints, type Tiles } from "./http-endpoints.ts";
import { isConsented, publicServices } from "./public-services.ts";
import { credentialInQuery } from "./query-credentials.ts";
import { addRpcEndpoints } from "./rpc-endpoints.ts";

export interface GatewayDeps {
  /** Reaches the public services as the workload `gateway`; without credentials of its own. */
  readonly upstream: Transport;
  /** Exchanges callers' credentials as the workload `gateway`: createAuthentication with `door`. */
  readonly authentication: Authentication;
  /** Which answers about patients may leave. */
  readonly answers: AnswerGuard;
  /** How many streams an application may have open; any number unless given. */
  readonly streamLimit?: StreamLimit;
  readonly tiles: Tiles;
  /** Whether calls are taken; `/readyz` asks. */
  ready(): Promise<boolean>;
  readonly log: Logger;
  /** What is served; every public service of the contracts unless given. */
  readonly services?: readonly DescService[];
}

export interface Gateway {
  readonly port: number;
  /** Takes no new calls, waits for the open ones at most `graceMs` (0 unless given), and ends. */
  close(graceMs?: number): Promise<void>;
}

/** The HTTP door: Connect and gRPC-Web for partners and web apps, the log's files, keys and health. */
export async function openGatewayService(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const { log } = deps;
  const routes = (deps.services ?? publicServices).map((service) =>
    forwardingRoute(service, deps.upstream, "http1"),
  );
  assertRoutes(routes);
  warmValidation(routes);
  const interceptors = serverInterceptors({
    log,
    authentication: deps.authentication,
    maximumTimeoutMs: config.maximumTimeoutMs,
    release: { guard: deps.answers, guards: isConsented },
    ...(deps.streamLimit && { streamLimit: deps.streamLimit }),
  });

  const shutdown = new AbortController();
  let stopping = false;
  const app = fastify({
    logger: false, // it would log URLs; calls are logged by the interceptors
    bodyLimit: config.maximumMessageBytes,
    requestTimeout: 30_000, // to send a whole request
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200 },
    http: { maxHeaderSize: 16_384, headersTimeout: 10_000 },
  });
  // Bodies are read by Connect, within its limit.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));

  app.addHook("onRequest", async (request, reply) => {
    const problem = credentialInQuery(request.raw.url ?? "");
    if (problem !== undefined) return reply.code(400).header("cache-control", "no-store").send(problem);
  });
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    referrerPolicy: { policy: "no-referrer" },
  });
  if (config.corsOrigins.length > 0) {
    await app.register(fastifyCors, {
      origin: [...config.corsOrigins],
      methods: [...cors.allowedMethods],
      allowedHeaders: [...cors.allowedHeaders, "authorization", "x-api-key", requestIdHeader],
      exposedHeaders: [...cors.exposedHeaders, requestIdHeader],
      maxAge: 7_200,
    });
  }

  const tokens = createClient(TokenService, deps.upstream);
  addHttpEndpoints(app, {
    tiles: deps.tiles,
    jwks: async () => (await tokens.getJwks({}, { timeoutMs: 5_000 })).jwks,
    ready: async () => !stopping && (await deps.ready()),
  });
  addRpcEndpoints(app, {
    routes,
    interceptors,
    maximumMessageBytes: config.maximumMessageBytes,
    shutdownSignal: shutdown.signal,
    log,
  });

  app.setNotFoundHandler(async (_request, reply) => {
    const problem: HttpProblem = {
      code: "not_found",
      reason: "NOT_FOUND",
      message:
        'nothing here: RPCs are at POST /<package>.<Service>/<Method> with "content-type: application/json", for example /wellapi.audit.v1.AuditService/GetCheckpoint',
    };
    return reply.code(404).header("cache-control", "no-store").send(problem);
  });
  app.setErrorHandler(async (error, _request, reply) => {
    reply.header("cache-control", "no-store");
    if (error instanceof ConnectError && error.code === Code.Unavailable) {
      const message = "a part of the service is not available: try again after the delay";
      const problem: HttpProblem = { code: "unavailable", reason: "UNAVAILABLE", message };
      return reply.code(503).header("retry-after", "1").send(problem);
    }
    log.error({ err: error }, "unexpected error");
    const problem: HttpProblem = { code: "internal", reason: "INTERNAL", message: "internal error" };
    return reply.code(500).send(problem);
  });

  const port = await listen();

  async function listen(): Promise<number> {
    try {
      await app.listen({ host: config.host, port: config.port });
    } catch (cause) {
      await app.close();
      if (!(cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE")) throw cause;
      throw new GatewayError(
        "address-in-use",
        `${config.host}:${config.port} is taken by another process: stop it, or set WELLAPI_HTTP_PORT to another port (0 takes a free one)`,
        { cause },
      );
    }
    const address = app.server.address();
    return typeof address === "object" && address !== null ? address.port : config.port;
  }

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
    await new Promise((resolve) => setTimeout(resolve, 50)); // so that open streams are told
    await app.close();
  }

  return {
    port,
    close(graceMs = 0) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}
