import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
} from "@bufbuild/protobuf";
import { Code, type HandlerContext, type Transport } from "@connectrpc/connect";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { callerKey, callersOf, problemError, type Route, requestIdHeader, requestIdKey } from "@wellapi/rpc";

/**
 * Serves a service by calling the same method upstream, for the same caller. Of the request's headers nothing goes
 * on: the caller's internal token (bound to the gateway), the request id and the time that is left are all that
 * upstream gets.
 */
export function forwardingRoute(service: DescService, upstream: Transport): Route {
  const implementation: Record<string, unknown> = {};
  for (const method of service.methods) implementation[method.localName] = forward(method, upstream);
  return { service, implementation };
}

function forward(method: DescMethod, upstream: Transport): unknown {
  switch (method.methodKind) {
    case "unary":
      return forwardUnary(method as DescMethodUnary, upstream);
    case "server_streaming":
      return forwardServerStream(method as DescMethodServerStreaming, upstream);
    default:
      return () => {
        throw problemError({
          code: Code.Unimplemented,
          reason: "STREAM_NOT_SERVED",
          message: `${method.name} streams both ways, which HTTP/1.1 can't: use the gRPC door, or the unary form`,
        });
      };
  }
}

function forwardUnary(method: DescMethodUnary, upstream: Transport) {
  const publicData = callersOf(method)?.kinds.includes(CallerKind.ANYONE) === true;
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    const { signal, values } = context;
    const timeoutMs = context.timeoutMs();
    const response = await upstream.unary(method, signal, timeoutMs, headersFor(context), request, values);
    if (publicData) context.responseHeader.set("cache-control", "no-cache");
    return response.message;
  };
}

function forwardServerStream(method: DescMethodServerStreaming, upstream: Transport) {
  return async function* (request: Message, context: HandlerContext): AsyncIterable<Message> {
    const { signal, values } = context;
    const requests = (async function* () {
      yield request;
    })();
    const timeoutMs = context.timeoutMs();
    const response = await upstream.stream(method, signal, timeoutMs, headersFor(context), requests, values);
    yield* response.message;
  };
}

function headersFor(context: HandlerContext): Record<string, string> {
  const { token } = context.values.get(callerKey);
  return {
    [requestIdHeader]: context.values.get(requestIdKey),
    ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
  };
}
