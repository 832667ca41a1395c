import { ConnectError, type Interceptor, type StreamResponse, type Transport } from "@connectrpc/connect";
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { type GrpcTransportOptions, openGrpcTransport as open } from "@wellapi/grpc-client";
import {
  ATTR_ERROR_TYPE,
  ATTR_RPC_METHOD,
  ATTR_RPC_RESPONSE_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  RPC_SYSTEM_NAME_VALUE_GRPC,
} from "@wellapi/runtime/semantic-conventions";
import { requestIdHeader, requestIdKey } from "../caller/context.ts";
import { statusName } from "../interceptors/telemetry.ts";
import { hookStream } from "./stream.ts";

/** The transport of `@wellapi/grpc-client`; each call carries the current trace and request id. */
export function openGrpcTransport(options: Omit<GrpcTransportOptions, "interceptors">): {
  transport: Transport;
  close(): void;
} {
  return open({ ...options, interceptors: [tracing] });
}

/**
 * Adds the current trace and request id. A call has a span of its own (kind CLIENT; a repeated call has one each time), which the
 * server's span is a child of.
 */
export const tracing: Interceptor = (next) => async (request) => {
  const requestId = request.contextValues.get(requestIdKey);
  if (requestId !== "") request.header.set(requestIdHeader, requestId);
  const rpc = `${request.service.typeName}/${request.method.name}`;
  const span = trace.getTracer("@wellapi/rpc").startSpan(rpc, { kind: SpanKind.CLIENT });
  propagation.inject(trace.setSpan(context.active(), span), request.header, {
    set: (header, key, value) => header.set(key, value),
  });
  if (!span.isRecording()) return next(request);
  describe(span, rpc, request.url);
  try {
    const response = await next(request);
    if (response.stream) return withEnd(response, span);
    end(span, undefined);
    return response;
  } catch (error) {
    end(span, error);
    throw error;
  }
};

function describe(span: Span, rpc: string, url: string): void {
  const { hostname, port } = new URL(url);
  span.setAttributes({
    [ATTR_RPC_SYSTEM_NAME]: RPC_SYSTEM_NAME_VALUE_GRPC,
    [ATTR_RPC_METHOD]: rpc,
    [ATTR_SERVER_ADDRESS]: hostname,
    ...(port !== "" && { [ATTR_SERVER_PORT]: Number(port) }),
  });
}

function withEnd(response: StreamResponse, span: Span): StreamResponse {
  return { ...response, message: hookStream(response.message, { end: (error) => end(span, error) }) };
}

function end(span: Span, error: unknown): void {
  const status = statusName(error === undefined ? undefined : ConnectError.from(error).code);
  span.setAttribute(ATTR_RPC_RESPONSE_STATUS_CODE, status);
  if (error !== undefined) {
    span.setAttribute(ATTR_ERROR_TYPE, status);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
