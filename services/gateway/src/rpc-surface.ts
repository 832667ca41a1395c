import type { Socket } from "node:net";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { compressionGzip, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import {
  type CorsPolicy,
  createRequestEnds,
  credentialHeaders,
  type HttpProblem,
  type HttpReply,
  type HttpRequest,
  logRefusal,
  type PacedAnswers,
  passPageHeaders,
  readableBy,
  rpcCors,
  type Surface,
} from "@wellapi/http";
import { budgetFields } from "@wellapi/limits";
import {
  assertRoutes,
  budgetStateKey,
  type Caller,
  type ConnectAdmission,
  callerKey,
  createConnectAdmission,
  faultHeader,
  problemError,
  requestBytesOf,
  requestIdHeader,
  rpcNameOf,
  spendingKey,
  type UnadmittedRequest,
  usualRequestBytes,
  warmValidation,
} from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import { callValues, connectRequest } from "./connect-request.ts";
import { forwardingRoute } from "./forward.ts";
import { inspectedJson } from "./json-body.ts";
import { createJsonRemedy } from "./json-remedy.ts";
import { type CallTerms, problemOfBody, reasoned, unadmittedProblem } from "./reasons.ts";
import { releasedAnswer } from "./released-answer.ts";
import { createStreamPace, streamPaceKey } from "./stream-pace.ts";

export interface RpcSurfaceOptions {
  /** Public ones only. */
  readonly services: readonly DescService[];
  /** Reaches the services as the workload `gateway`; without credentials of its own. */
  readonly upstream: Transport;
  /** From `serverInterceptors(...)`, of a door. */
  readonly interceptors: readonly Interceptor[];
  /** Of answers, and of the requests whose contract says no less. */
  readonly maximumMessageBytes: number;
  readonly paced: PacedAnswers;
  /** Whether callers order failures by a header, as at a sandbox: pages of other origins may send it. */
  readonly ordersFaults: boolean;
  /** Is told of requests that are answered before they are calls; nobody is unless given. */
  readonly unadmitted?: ((request: UnadmittedRequest) => void) | undefined;
}

/** The error for every path without a surface. */
export const noSuchPath: HttpProblem = {
  code: "not_found",
  reason: "NOT_FOUND",
  message:
    'nothing here: RPCs are at POST /<package>.<Service>/<Method> with "content-type: application/json", for example /wellapi.audit.v1.AuditService/GetCheckpoint',
};

const faultCors: CorsPolicy = { ...rpcCors, allowedHeaders: [...rpcCors.allowedHeaders, faultHeader] };

/**
 * Connect (JSON and binary, GET for methods without side effects) and gRPC-Web at `/<service>/<method>`. Stands in
 * for connect-fastify's plugin, which writes failures to the console.
 */
export function createRpcSurface(options: RpcSurfaceOptions): Surface {
  const { services, upstream, interceptors, maximumMessageBytes, paced, unadmitted } = options;
  const routes = services.map((service) => forwardingRoute(service, upstream, "http1"));
  assertRoutes(routes);
  warmValidation(routes);
  const jsonRemedy = createJsonRemedy(services);
  return {
    name: "rpc",
    paths: services.map(({ typeName }) => `/${typeName}/`),
    methods: ["GET", "POST"],
    cors: options.ordersFaults ? faultCors : rpcCors,
    // By Connect, within its limit.
    bodies: "unread",
    mount(app, { shutdown, log }) {
      const endOf = createRequestEnds(shutdown);
      const termsOf = (method: DescMethod): CallTerms => ({
        method,
        requestBytes: Math.min(maximumMessageBytes, requestBytesOf(method)),
        answerBytes: maximumMessageBytes,
        jsonRemedy,
      });
      for (const { service, implementation } of routes) {
        for (const method of service.methods) {
          const terms = termsOf(method);
          const admission = createConnectAdmission({
            interceptors,
            describe: (error) => problemOfBody(error, terms),
            turn: (values) => values.get(streamPaceKey)?.begin(),
          });
          const router = createConnectRouter({
            requestGate: admission.requestGate,
            interceptors: admission.interceptors,
            readMaxBytes: terms.requestBytes,
            writeMaxBytes: terms.answerBytes,
            acceptCompression: [compressionGzip],
            maxTimeoutMs: 2 ** 31 - 1, // timers overflow beyond; the interceptors cut unary calls far shorter
            grpc: false, // needs HTTP/2: the gRPC door has it
            // A misspelt field must be an error, not ignored.
            jsonOptions: { ignoreUnknownFields: false },
          });
          router.rpc(method as never, (implementation as Handlers)[method.localName]!);
          const [handler] = router.handlers as [ServedMethod["handler"]];
          app.route({
            method: ["GET", "POST"],
            url: handler.requestPath,
            handler: (request, reply) =>
              answerCall({ handler, admission, terms, endOf, paced, unadmitted, log }, request, reply),
          });
        }
      }
    },
  };
}

type Handlers = Readonly<Record<string, never>>;

interface ServedMethod {
  readonly handler: ConnectRouter["handlers"][number];
  readonly admission: ConnectAdmission;
  readonly terms: CallTerms;
  /** Aborts when the request is over, also by the server's stop. */
  readonly endOf: (reply: HttpReply) => AbortController;
  readonly paced: PacedAnswers;
  readonly unadmitted: RpcSurfaceOptions["unadmitted"];
  readonly log: Logger;
}

async function answerCall(served: ServedMethod, request: HttpRequest, reply: HttpReply): Promise<void> {
  const { handler, admission, terms, endOf, paced, unadmitted, log } = served;
  const began = performance.now();
  const { method } = handler;
  reply.hijack();
  passPageHeaders(reply);
  // Treated as health data unless the handler says otherwise, which it only does for a success.
  reply.raw.setHeader("cache-control", "private, no-store");
  reply.raw.setHeader("vary", varyOf(reply.raw.getHeader("vary")));
  // Also on an answer that Connect gives by itself.
  reply.raw.setHeader(requestIdHeader, request.id);
  const values = callValues(request);
  reply.raw.once("close", () => values.get(spendingKey)?.bytes(bytesSince(request.raw.socket)));
  const ending = endOf(reply);
  const target = reply.raw;
  const streams = method.methodKind !== "unary";
  const pace = streams ? createStreamPace({ values, method, target, paced, ending }) : undefined;
  values.set(streamPaceKey, pace);
  try {
    const called = connectRequest(request, { body: unread(request, terms), signal: ending.signal, values });
    const answer = await handler(called);
    const refused = admission.begun(values) ? undefined : unadmittedProblem(answer, method);
    if (refused !== undefined) {
      logRefusal(log, request, { status: answer.status, reason: refused.reason });
      unadmitted?.({
        header: called.header,
        contextValues: values,
        problem: refused,
        method: rpcNameOf(method),
        protocol: "connect",
        durationMs: performance.now() - began,
        requestId: request.id,
        traceId: "",
      });
    }
    const told = await reasoned(answer, terms);
    for (const [name, value] of readableByPage(request, values.get(callerKey))) {
      reply.raw.setHeader(name, value);
    }
    for (const [name, value] of budgetFields(values.get(budgetStateKey), told.status)) {
      reply.raw.setHeader(name, value);
    }
    const released = releasedAnswer(told, { values, method, target, pace });
    await universalResponseToNodeResponse(released, reply.raw);
  } catch (error) {
    // The client disconnected, or sent invalid HTTP: the call itself has been logged.
    const { code } = ConnectError.from(error);
    log.debug({ err: error, code, url_path: handler.requestPath }, "answer not delivered");
    reply.raw.destroy();
  }
}

/** A page reads answers to its own client, and what anybody may know. The setting's origins have their headers already. */
function readableByPage(
  { headers, originStanding }: HttpRequest,
  { principal, allowedOrigins = [] }: Caller,
) {
  const { origin } = headers;
  if (origin === undefined || originStanding === "setting") return [];
  const known = principal.kind !== "anonymous";
  const readable = known ? allowedOrigins.includes(origin) : originStanding === "client";
  return readable ? readableBy(origin) : [];
}

const counted = new WeakMap<Socket, number>();

/** Bytes of the connection since this was last asked, in both directions: a connection carries one request at a time. */
function bytesSince(socket: Socket): number {
  const total = socket.bytesRead + socket.bytesWritten;
  const before = counted.get(socket) ?? 0;
  counted.set(socket, total);
  return total - before;
}

/**
 * The body, which nobody has read. One that is too large is left where it is: to destroy it would end the connection before
 * the caller gets the reason. Where the method takes large JSON, its shape is looked at before Connect parses it.
 */
function unread({ raw }: HttpRequest, { method, requestBytes }: CallTerms): AsyncIterable<Uint8Array> {
  const body = bytesOf(raw);
  const { "content-type": type = "", "content-encoding": encoding } = raw.headers;
  const json = method.methodKind === "unary" && /^application\/json\b/i.test(type);
  // A smaller message has too few elements to cost anything.
  if (!json || requestBytes <= usualRequestBytes) return body;
  return inspectedJson(body, { gzip: encoding === compressionGzip.name, mostBytes: requestBytes });
}

function bytesOf(raw: HttpRequest["raw"]): AsyncIterable<Uint8Array> {
  const bytes = raw.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>;
  const left = (cause: unknown): never => {
    const message = "the client left before its request was whole";
    throw problemError({ code: Code.Canceled, reason: "CANCELED", message }, cause);
  };
  return {
    [Symbol.asyncIterator]: () => ({
      // Nothing else ends the bytes of a request too early.
      next: () => bytes.next().catch(left),
      return: async () => (await bytes.return?.()) ?? { done: true, value: undefined },
    }),
  };
}

const credentialNames = credentialHeaders.join(", ");

function varyOf(given: number | string | string[] | undefined): string {
  return given === undefined ? credentialNames : `${credentialNames}, ${[given].flat().join(", ")}`;
}
