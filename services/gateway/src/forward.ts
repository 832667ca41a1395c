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
  requestTransferredKey,
} from "@wellapi/rpc";

/**
 * The streams that the door in front of the forwarding supports. HTTP/1.1 has no streams in both directions; HTTP/2
 * has.
 */
export type ForwardingDoor = "http1" | "http2";

/**
 * Serves a service by calling the same method upstream, for the same caller. Headers of the request are not
 * forwarded: upstream gets only the caller's internal token (bound to the edge), the request id and the remaining
 * time. Of the answer's headers, only the one that names the patient goes to the door. Streams pass message by
 * message, each pulled by its reader.
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
    const { signal } = context;
    // Nothing here uses the request after the call.
    const values = context.values.set(requestTransferredKey, true);
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
 * caller that disconnects cancels the call upstream.
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

/** A generator, because Connect's clients need a source that can throw. */
async function* passOn(requests: AsyncIterable<Message>): AsyncIterable<Message> {
  for await (const request of requests) yield request;
}

/** For the door's own step `release`, which removes it. */
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
