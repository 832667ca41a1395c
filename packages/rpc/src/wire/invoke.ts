import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import { create, isMessage } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type HandlerContext,
  type Interceptor,
  type MethodImplSpec,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { mapStream } from "./stream.ts";

/** Runs a unary handler behind the interceptors. The caller handles signal and deadline. */
export async function invokeUnary(
  spec: UnarySpec,
  interceptors: readonly Interceptor[],
  context: HandlerContext,
  message: Message,
): Promise<UnaryResponse> {
  const request: UnaryRequest = { stream: false, method: spec.method, message, ...common(spec, context) };
  return (await chain(unaryHandler(spec, context), interceptors)(request)) as UnaryResponse;
}

type UnarySpec = MethodImplSpec & { kind: "unary" };

/** The handler alone, behind interceptors that run already. */
export function unaryHandler(spec: UnarySpec, context: HandlerContext): Next {
  const { method } = spec;
  const handler = async (request: UnaryRequest): Promise<UnaryResponse> => ({
    stream: false,
    service: method.parent,
    method,
    header: context.responseHeader,
    trailer: context.responseTrailer,
    message: normalize(method.output, await spec.impl(request.message, seenBy(context, request))),
  });
  return handler as Next;
}

/** Runs a streaming handler behind the interceptors. */
export async function invokeStream(
  spec: Exclude<MethodImplSpec, { kind: "unary" }>,
  interceptors: readonly Interceptor[],
  context: HandlerContext,
  messages: AsyncIterable<Message>,
): Promise<StreamResponse> {
  const { method } = spec;
  const handler = async (request: StreamRequest): Promise<StreamResponse> => ({
    stream: true,
    service: method.parent,
    method,
    header: context.responseHeader,
    trailer: context.responseTrailer,
    message: mapStream(await respond(spec, request, seenBy(context, request)), (message) =>
      normalize(method.output, message),
    ),
  });
  const request: StreamRequest = { stream: true, method, message: messages, ...common(spec, context) };
  return (await chain(handler as Next, interceptors)(request)) as StreamResponse;
}

export type Next = (request: UnaryRequest | StreamRequest) => Promise<UnaryResponse | StreamResponse>;

/** The handler behind the interceptors, the first of them outermost. */
export function chain(handler: Next, interceptors: readonly Interceptor[]): Next {
  return interceptors.reduceRight<Next>((next, interceptor) => interceptor(next), handler);
}

async function respond(
  spec: Exclude<MethodImplSpec, { kind: "unary" }>,
  request: StreamRequest,
  context: HandlerContext,
): Promise<AsyncIterable<MessageInitShape<DescMessage>>> {
  switch (spec.kind) {
    case "server_streaming":
      return spec.impl(await single(request.message), context);
    case "client_streaming": {
      const response = await spec.impl(request.message, context);
      return (async function* () {
        yield response;
      })();
    }
    case "bidi_streaming":
      return spec.impl(request.message, context);
  }
}

async function single(messages: AsyncIterable<Message>): Promise<Message> {
  let only: Message | undefined;
  for await (const message of messages) {
    if (only !== undefined)
      throw new ConnectError("the method takes exactly one message", Code.Unimplemented);
    only = message;
  }
  if (only === undefined) throw new ConnectError("the method takes exactly one message", Code.Unimplemented);
  return only;
}

/** Handlers may return plain init objects. */
function normalize(schema: DescMessage, message: MessageInitShape<DescMessage>): Message {
  return isMessage(message, schema) ? message : create(schema, message);
}

function common(spec: MethodImplSpec, context: HandlerContext) {
  return {
    service: spec.method.parent,
    requestMethod: context.requestMethod,
    url: context.url,
    signal: context.signal,
    header: context.requestHeader,
    contextValues: context.values,
  };
}

/** The handler gets the signal, header and values that the interceptors made. */
function seenBy(context: HandlerContext, request: UnaryRequest | StreamRequest): HandlerContext {
  return {
    method: context.method,
    service: context.service,
    requestMethod: context.requestMethod,
    protocolName: context.protocolName,
    url: context.url,
    timeoutMs: () => context.timeoutMs(),
    responseHeader: context.responseHeader,
    responseTrailer: context.responseTrailer,
    requestHeader: request.header,
    signal: request.signal,
    values: request.contextValues,
  };
}
