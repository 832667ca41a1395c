import type { Interceptor, Transport } from "@connectrpc/connect";
import { context, propagation } from "@opentelemetry/api";
import { type GrpcTransportOptions, openGrpcTransport as open } from "@wellapi/grpc-client";
import { requestIdHeader, requestIdKey } from "../caller/context.ts";

/** The transport of `@wellapi/grpc-client`; each call carries the current trace and request id. */
export function openGrpcTransport(options: Omit<GrpcTransportOptions, "interceptors">): {
  transport: Transport;
  close(): void;
} {
  return open({ ...options, interceptors: [tracing] });
}

/** Adds the current trace and request id. */
export const tracing: Interceptor = (next) => (request) => {
  const requestId = request.contextValues.get(requestIdKey);
  if (requestId !== "") request.header.set(requestIdHeader, requestId);
  propagation.inject(context.active(), request.header, {
    set: (header, key, value) => header.set(key, value),
  });
  return next(request);
};
