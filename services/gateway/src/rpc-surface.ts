import type { DescService } from "@bufbuild/protobuf";
import {
  ConnectError,
  createConnectRouter,
  createContextValues,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { HttpProblem, Surface } from "@wellapi/http";
import { assertRoutes, warmValidation } from "@wellapi/rpc";
import { forwardingRoute } from "./forward.ts";
import { createJsonRemedy } from "./json-remedy.ts";
import { reasoned } from "./reasons.ts";
import { releasedAnswer } from "./released-answer.ts";

export interface RpcSurfaceOptions {
  /** Public ones only. */
  readonly services: readonly DescService[];
  /** Reaches the services as the workload `gateway`; without credentials of its own. */
  readonly upstream: Transport;
  /** From `serverInterceptors(...)`, of a door. */
  readonly interceptors: readonly Interceptor[];
  readonly maximumMessageBytes: number;
}

/** The error for every path without a surface. */
export const noSuchPath: HttpProblem = {
  code: "not_found",
  reason: "NOT_FOUND",
  message:
    'nothing here: RPCs are at POST /<package>.<Service>/<Method> with "content-type: application/json", for example /wellapi.audit.v1.AuditService/GetCheckpoint',
};

/**
 * Connect (JSON and binary, GET for methods without side effects) and gRPC-Web at `/<service>/<method>`. Stands in
 * for connect-fastify's plugin, which writes failures to the console.
 */
export function createRpcSurface(options: RpcSurfaceOptions): Surface {
  const { services, upstream, interceptors, maximumMessageBytes } = options;
  const routes = services.map((service) => forwardingRoute(service, upstream, "http1"));
  assertRoutes(routes);
  warmValidation(routes);
  const jsonRemedy = createJsonRemedy(services);
  return {
    name: "rpc",
    paths: services.map(({ typeName }) => `/${typeName}/`),
    methods: ["GET", "POST"],
    // By Connect, within its limit.
    bodies: "unread",
    mount(app, { shutdown, log }) {
      const router = createConnectRouter({
        interceptors: [...interceptors],
        readMaxBytes: maximumMessageBytes,
        writeMaxBytes: maximumMessageBytes,
        acceptCompression: [compressionGzip],
        shutdownSignal: shutdown,
        maxTimeoutMs: 2 ** 31 - 1, // timers overflow beyond; the interceptors cut unary calls far shorter
        grpc: false, // needs HTTP/2: the gRPC door has it
        // A misspelt field must be an error, not ignored.
        jsonOptions: { ignoreUnknownFields: false },
      });
      for (const { service, implementation } of routes) router.service(service, implementation);

      for (const handler of router.handlers) {
        app.route({
          method: ["GET", "POST"],
          url: handler.requestPath,
          async handler(request, reply) {
            reply.hijack();
            // The server's hooks set security headers and CORS on the reply; the answer goes to the raw response.
            for (const [name, value] of Object.entries(reply.getHeaders())) {
              if (value !== undefined) reply.raw.setHeader(name, value);
            }
            // Treated as health data unless the handler says otherwise, which it only does for a success.
            reply.raw.setHeader("cache-control", "private, no-store");
            reply.raw.setHeader("vary", varyOf(reply.raw.getHeader("vary")));
            try {
              const values = createContextValues();
              const answer = await handler(
                universalRequestFromNodeRequest(request.raw, reply.raw, undefined, values),
              );
              const told = await reasoned(answer, maximumMessageBytes, jsonRemedy);
              await universalResponseToNodeResponse(
                releasedAnswer(told, values, handler.method, reply.raw),
                reply.raw,
              );
            } catch (error) {
              // The client disconnected, or sent invalid HTTP: the call itself has been logged.
              const { code } = ConnectError.from(error);
              log.debug({ err: error, code, url_path: handler.requestPath }, "answer not delivered");
              reply.raw.destroy();
            }
          },
        });
      }
    },
  };
}

function varyOf(given: number | string | string[] | undefined): string {
  const names = ["authorization", "x-api-key", ...(given === undefined ? [] : [given].flat())];
  return names.join(", ");
}
