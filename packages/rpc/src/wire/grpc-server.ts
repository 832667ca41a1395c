import type { Http2Server, ServerOptions } from "node:http2";
import type { Server, Socket } from "node:net";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createServiceImplSpec, type Interceptor } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { file_google_rpc_error_details } from "@wellapi/gen/google/rpc/error_details_pb";
import type { Logger } from "@wellapi/runtime";
import { assertRoutes } from "../caller/callers.ts";
import type { UnadmittedRequest } from "../caller/unadmitted-requests.ts";
import type { PeerIdentity } from "../caller/workload-identity.ts";
import { requestBytesOf } from "../checks/request-size.ts";
import { warmValidation } from "../checks/validation.ts";
import { RpcError } from "../errors.ts";
import { bodyInterceptor } from "../interceptors/body.ts";
import { errorsInterceptor } from "../interceptors/errors.ts";
import { assertInterceptors } from "../interceptors/step.ts";
import { problemError } from "../status.ts";
import {
  type AddressBound,
  type ConnectionLimits,
  doorSettings,
  guardConnections,
  peerSettings,
} from "./connection-guard.ts";
import { type CallOptions, compressionHeader, methodDefinition, methodHandler } from "./grpc-call.ts";
import { createHealth } from "./health.ts";
import { type KeepAlive, keepAlive } from "./keep-alive.ts";
import type { Route } from "./route.ts";
import { explainUnread } from "./unread-message.ts";
import { answerUnserved, unadmittedOf } from "./unserved-calls.ts";

/** PEM texts. */
export interface ServerTls {
  readonly certificate: string;
  readonly privateKey: string;
  /** The authority whose client certificates are accepted. */
  readonly clientAuthority: string;
}

export interface GrpcServerOptions {
  readonly routes: readonly Route[];
  /** From `serverInterceptors(...)`. */
  readonly interceptors: readonly Interceptor[];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** TLS 1.3 with client certificates only. Absent: plain text, for a sidecar's loopback and for tests. */
  readonly tls?: ServerTls;
  /**
   * For a server inside the mesh: identifies the calling service (`certificateIdentity`, `sidecarIdentity`). Absent:
   * a door, whose client certificates are credentials from outside and which ignores forwarded identities.
   */
  readonly peers?: PeerIdentity;
  readonly limits?: {
    /** In both directions; 1 MiB unless given. */
    readonly messageBytes?: number;
    /** A connection's streams at a time; 100 unless given. */
    readonly concurrentStreams?: number;
    /**
     * After this long a connection takes no new calls (GOAWAY), so that clients come back with their newest
     * certificate and find new replicas; streams go on. Unlimited unless given.
     */
    readonly connectionAgeMs?: number;
    /** At a door with TLS; tests give less than the usual. */
    readonly connections?: ConnectionLimits;
    /** A peer that disappeared silently holds a stream no longer than this; 60 and 20 seconds unless given. */
    readonly keepAlive?: KeepAlive;
  };
  /** Called with each listening server before its first connection: bounds what an address may open. */
  readonly bound?: (server: Server) => AddressBound;
  /** At a door: is told of requests that no method is for. Nobody is unless given. */
  readonly unadmitted?: ((request: UnadmittedRequest) => void) | undefined;
  /** Serves the contracts to clients (server reflection). */
  readonly reflection: boolean;
  readonly log: Logger;
}

export interface GrpcServer {
  readonly port: number;
  /**
   * Takes a new certificate for new connections; open ones stay. A pair that doesn't fit throws, and the old one
   * stays in use.
   */
  reload(tls: ServerTls): void;
  /**
   * Takes no new calls and answers NOT_SERVING; waits for open calls, and after `graceMs` ends the rest with
   * UNAVAILABLE.
   */
  drain(graceMs: number): Promise<void>;
  /** Ends everything now. */
  close(): Promise<void>;
}

/** Serves the routes by grpc-js, with the health service and, if wanted, server reflection. */
export async function openGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { routes, interceptors, host, tls, limits, log } = options;
  assertRoutes(routes);
  assertInterceptors(interceptors);
  warmValidation(routes);
  grpc.setLogVerbosity(grpc.logVerbosity.NONE); // it writes to the console what we also get as errors
  const messageBytes = limits?.messageBytes ?? 1_048_576;
  const server = new grpc.Server({
    // A message up to twice as large is read, and refused with a reason; beyond, by its first bytes.
    "grpc.max_receive_message_length": 2 * messageBytes,
    interceptors: [explainUnread],
    "grpc.max_send_message_length": messageBytes,
    ...(limits?.connectionAgeMs && { "grpc.max_connection_age_ms": limits.connectionAgeMs }),
  });
  const shutdown = new AbortController();
  const callOptions: CallOptions = {
    interceptors,
    maximumMessageBytes: messageBytes,
    // Between services a message of a door's size is a part of larger ones.
    requestBytes: options.peers === undefined ? requestBytesOf : () => messageBytes,
    shutdownSignal: shutdown.signal,
    peers: options.peers,
    running: new Set(),
  };
  for (const route of routes) addRoute(server, route, callOptions);
  const health = createHealth(routes.map(({ service }) => service.typeName));
  // Health reveals no data: it needs no caller, only the error mapping, and no compressed message.
  addRoute(server, health.route, {
    ...callOptions,
    interceptors: [errorsInterceptor(log), bodyInterceptor()],
  });
  if (options.reflection) await addReflection(server, [...routes, health.route]);

  const isDoor = options.peers === undefined && tls !== undefined;
  setHttp2(server, (isDoor ? doorSettings : peerSettings)(limits?.concurrentStreams ?? 100));
  const credentials = tls === undefined ? undefined : new MtlsServerCredentials(secureContext(tls));
  const port = await bind(server, host, options.port, credentials ?? grpc.ServerCredentials.createInsecure());
  for (const http2 of http2ServersOf(server))
    boundConnections(http2, options, { isDoor, serves: servedBy(server) });
  keepCompression(server);
  keepConnectionsAlive(server, limits?.keepAlive ?? { everyMs: 60_000, timeoutMs: 20_000 });

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    health.drain();
    shutdown.abort(
      problemError({
        code: Code.Unavailable,
        reason: "SERVER_STOPPING",
        message: "the server is stopping: connect again and go on from what was answered",
        retryAfterMs: 1_000,
      }),
    );
    // A short wait, so that the statuses of aborted calls are written before the connections close.
    await new Promise((resolve) => setTimeout(resolve, 50));
    // The last steps of handlers (a leaf with what was sent) need resources that are closed after the server.
    await within(lastStepsMs, Promise.all(callOptions.running));
    server.forceShutdown();
  };
  return {
    port,
    reload(next) {
      if (credentials === undefined) throw new TypeError("the server has no TLS");
      credentials.reload(secureContext(next));
    },
    async drain(graceMs) {
      health.drain();
      const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      if ((await within(graceMs, ended)) === "late") {
        log.info({ grace_ms: graceMs }, "ending calls that are still open");
        closing ??= close();
        await closing;
      } else {
        await within(lastStepsMs, Promise.all(callOptions.running)); // Calls whose callers have left.
      }
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Before anything else listens for its streams. */
function boundConnections(
  server: Http2Server,
  options: GrpcServerOptions,
  { isDoor, serves }: { readonly isDoor: boolean; readonly serves: (path: string) => boolean },
): void {
  const addresses = options.bound?.(server);
  const services = new Set(options.routes.map(({ service }) => service.typeName));
  answerUnserved(server, {
    serves,
    refused({ session }, call) {
      if (call.address !== undefined) addresses?.weigh(call.address, 1);
      if (session !== undefined) options.unadmitted?.(unadmittedOf(session, call, { serves, services }));
    },
    log: options.log,
  });
  if (isDoor) guardConnections(server, options.log, options.limits?.connections, addresses);
}

/** Handlers whose calls were ended get this long for their last steps. */
const lastStepsMs = 5_000;

/** Waits for the work, but no longer than this. */
async function within(ms: number, work: Promise<unknown>): Promise<"done" | "late"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), ms);
  });
  const outcome = await Promise.race([work.then(() => "done" as const), late]);
  clearTimeout(timer);
  return outcome;
}

function addRoute(server: grpc.Server, { service, implementation }: Route, options: CallOptions): void {
  const { methods } = createServiceImplSpec(service, implementation);
  const definitions: grpc.ServiceDefinition = {};
  const handlers: grpc.UntypedServiceImplementation = {};
  const names: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
  for (const [name, spec] of Object.entries(methods)) {
    names[name] = methodDefinition(spec);
    handlers[name] = methodHandler(spec, options);
  }
  server.addService(Object.assign(definitions, names), handlers);
}

/** From our own descriptors: the package's usual way would load .proto files at run time. Options are lost in it. */
async function addReflection(server: grpc.Server, routes: readonly Route[]): Promise<void> {
  // Only here: a server in production has none, and needs no second library for protobuf.
  const { ReflectionService } = await import("@grpc/reflection");
  const files = new Map<string, DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(visit);
  };
  for (const { service } of routes) visit(service.file);
  // No contract imports them, and a client cannot read an error's details without.
  visit(file_google_rpc_error_details);
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  const definition = { all: { format: "", type: {}, fileDescriptorProtos } } as never;
  const services = routes.map(({ service }) => service.typeName);
  new ReflectionService(definition, { services }).addToServer(server);
}

function bind(
  server: grpc.Server,
  host: string,
  port: number,
  credentials: grpc.ServerCredentials,
): Promise<number> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, bound) => {
      if (cause === null) return resolve(bound);
      server.forceShutdown();
      if (!/EADDRINUSE/.test(cause.message)) return reject(cause);
      const message = `${address} is taken by another process: stop it, or choose another port (0 takes a free one)`;
      reject(new RpcError("address-in-use", message, { cause }));
    });
  });
}

/** grpc-js keeps its HTTP/2 servers in a private place only. */
function http2ServersOf(server: grpc.Server): Iterable<Http2Server> {
  return (server as unknown as { http2Servers: Map<Http2Server, unknown> }).http2Servers.keys();
}

/** grpc-js keeps its handlers, those of reflection too, in a private place only. */
function servedBy(server: grpc.Server): (path: string) => boolean {
  const { handlers } = server as unknown as { readonly handlers: ReadonlyMap<string, unknown> };
  return (path) => handlers.has(path);
}

/** grpc-js has no options for them: it keeps what it gives to its HTTP/2 servers in a private place. */
function setHttp2(server: grpc.Server, settings: ServerOptions): void {
  Object.assign((server as unknown as { commonServerOptions: object }).commonServerOptions, settings);
}

/**
 * Lets the admission know which compression a request names, before grpc-js decompresses. Reflection has no
 * admission, so a compressed message to it stays as it is, and is no message.
 */
function keepCompression(server: grpc.Server): void {
  for (const http2 of http2ServersOf(server)) {
    http2.prependListener("stream", (_stream, headers) => {
      const named = headers["grpc-encoding"];
      if (named !== undefined) headers[compressionHeader] = named;
      else if (headers[compressionHeader] !== undefined) delete headers[compressionHeader];
      if (named !== undefined && headers[":path"]?.startsWith("/grpc.reflection."))
        delete headers["grpc-encoding"];
    });
  }
}

function keepConnectionsAlive(server: grpc.Server, pings: KeepAlive): void {
  for (const http2 of http2ServersOf(server)) {
    http2.on("connection", (socket: Socket) => socket.setKeepAlive(true, pings.everyMs));
    http2.on("session", (session) => keepAlive(session, pings));
  }
}

function secureContext({ certificate, privateKey, clientAuthority }: ServerTls): SecureContextOptions {
  return { cert: certificate, key: privateKey, ca: clientAuthority };
}

const floor = { minVersion: "TLSv1.3" } as const;

/** grpc-js has no option for TLS 1.3 only, and its own reload would bring TLS 1.2 back. */
class MtlsServerCredentials extends grpc.ServerCredentials {
  constructor(context: SecureContextOptions) {
    createSecureContext({ ...context, ...floor }); // throws here on a bad pair, not at the first connection
    super({ requestCert: true, rejectUnauthorized: true, ...floor }, { ...context, ...floor });
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return other === this;
  }

  reload(context: SecureContextOptions): void {
    createSecureContext({ ...context, ...floor });
    this.updateSecureContextOptions({ ...context, ...floor });
  }
}
