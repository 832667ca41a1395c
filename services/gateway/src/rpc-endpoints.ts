import {
  ConnectError,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Route } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { FastifyInstance } from "fastify";
import { reasoned } from "./reasons.ts";
import { releasedAnswer } from "./released-answer.ts";

export interface RpcEndpointsOptions {
  readonly routes: readonly Route[];
  readonly interceptors: readonly Interceptor[];
  readonly maximumMessageBytes: number;
  readonly shutdownSignal: AbortSignal;
  readonly log: Logger;
}

/**
 * Connect (JSON and binary, GET for methods without side effects) and gRPC-Web at `/<service>/<method>`. Stands in
 * for connect-fastify's plugin, which writes failures to the console.
 */
export function addRpcEndpoints(app: FastifyInstance, options: RpcEndpointsOptions): void {
  const router = createConnectRouter({
    interceptors: [...options.interceptors],
    readMaxBytes: options.maximumMessageBytes,
    writeMaxBytes: options.maximumMessageBytes,
    acceptCompression: [compressionGzip],
    shutdownSignal: options.shutdownSignal,
    maxTimeoutMs: 2 ** 31 - 1, // timers overflow beyond; the interceptors cut unary calls far shorter
    grpc: false, // needs HTTP/2: the gRPC door has it
    // A misspelt field must not vanish in silence.
    jsonOptions: { ignoreUnknownFields: false },
  });
  for (const { service, implementation } of options.routes) router.service(service, implementation);

  for (const handler of router.handlers) {
    app.route({
      method: ["GET", "POST"],
      url: handler.requestPath,
      async handler(request, reply) {
        reply.hijack();
        // What Fastify's hooks set (security headers, CORS) lies on the reply; the answer is written to the raw one.
        for (const [name, value] of Object.entries(reply.getHeaders())) {
          if (value !== undefined) reply.raw.setHeader(name, value);
        }
        // Health data unless the handler says otherwise, which it only does for a success.
        reply.raw.setHeader("cache-control", "private, no-store");
        reply.raw.setHeader("vary", varyOf(reply.raw.getHeader("vary")));
        try {
          const values = createContextValues();
          const answer = await handler(
            universalRequestFromNodeRequest(request.raw, reply.raw, undefined, values),
          );
          const told = await reasoned(answer, options.maximumMessageBytes);
          await universalResponseToNodeResponse(releasedAnswer(told, values, handler.method), reply.raw);
        } catch (error) {
          // The client went away, or what it sent is no HTTP: the call itself has been logged.
          const { code } = ConnectError.from(error);
          options.log.debug({ err: error, code, url_path: handler.requestPath }, "answer not delivered");
          reply.raw.destroy();
        }
      },
    });
  }
}

function varyOf(given: number | string | string[] | undefined): string {
  const names = ["authorization", "x-api-key", ...(given === undefined ? [] : [given].flat())];
  return names.join(", ");
}
