import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
} from "@bufbuild/protobuf";
import { Code, type HandlerContext, type Transport } from "@connectrpc/connect";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import {
  callerKey,
  callersOf,
  patientHeader,
  problemError,
  type Route,
  requestIdHeader,
  requestIdKey,
} from "@wellapi/rpc";

/** What the door in front of the forwarding can carry. HTTP/1.1 has no streams that go both ways; HTTP/2 has. */
export type ForwardingDoor = "http1" | "http2";

/**
 * Serves a service by calling the same method upstream, for the same caller. Of the request's headers nothing goes
 * on: the caller's internal token (bound to the edge), the request id and the time that is left are all that
 * upstream gets; and of the answer's headers, the one that names the patient, to the door. Streams pass message by message, each pulled by whoever reads it.
 */
export function forwardingRoute(service: DescService, upstream: Transport, door: ForwardingDoor): Route {
  const implementation: Record<string, unknown> = {};
  for (const method of service.methods) implementation[method.localName] = forward(method, upstream, door);
  return { service, implementation };
}

function forward(method: DescMethod, upstream: Transport, door: ForwardingDoor): unknown {
  switch (method.methodKind) {
    case "unary":
      return forwardUnary(method as DescMethodUnary, upstream);
    case "server_streaming":
      return forwardServerStream(method as DescMethodServerStreaming, upstream);
    case "bidi_streaming":
      if (door === "http2") return forwardBothWays(method as DescMethodBiDiStreaming, upstream);
      return () => {
        throw problemError({
          code: Code.Unimplemented,
          reason: "STREAM_NOT_SERVED",
          message: `${method.name} streams both ways, which HTTP/1.1 can't: use the gRPC door, or the unary form`,
        });
      };
    case "client_streaming":
      throw new TypeError(
        `${method.parent.typeName}/${method.name}: no contract has streams of requests only`,
      );
  }
}

function forwardUnary(method: DescMethodUnary, upstream: Transport) {
  const publicData = callersOf(method)?.kinds.includes(CallerKind.ANYONE) === true;
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    const { signal, values } = context;
    const timeoutMs = context.timeoutMs();
    const response = await upstream.unary(method, signal, timeoutMs, headersFor(context), request, values);
    passPatient(response.header, context);
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
    passPatient(response.header, context);
    yield* response.message;
  };
}

/**
 * Neither side is read ahead: a request is taken when upstream has room for it, an answer when the caller has. A
 * caller that goes away cancels the call upstream.
 */
function forwardBothWays(method: DescMethodBiDiStreaming, upstream: Transport) {
  return async function* (requests: AsyncIterable<Message>, context: HandlerContext): AsyncIterable<Message> {
    const { signal, values } = context;
    const timeoutMs = context.timeoutMs();
    const passed = passOn(requests);
    const response = await upstream.stream(method, signal, timeoutMs, headersFor(context), passed, values);
    passPatient(response.header, context);
    yield* response.message;
  };
}

/** A generator: Connect's clients want a source that can be told to throw. */
async function* passOn(requests: AsyncIterable<Message>): AsyncIterable<Message> {
  for await (const request of requests) yield request;
}

/** To the door's own step `release`, which takes it off. */
function passPatient(from: Headers, { responseHeader }: HandlerContext): void {
  const patient = from.get(patientHeader);
  if (patient !== null) responseHeader.set(patientHeader, patient);
}

function headersFor(context: HandlerContext): Record<string, string> {
  const { token } = context.values.get(callerKey);
  return {
    [requestIdHeader]: context.values.get(requestIdKey),
    ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
  };
}
