import { setImmediate } from "node:timers/promises";
import { type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  type Interceptor,
  type MethodImplSpec,
  type StreamResponse,
} from "@connectrpc/connect";
import type * as grpc from "@grpc/grpc-js";
import { objectionTo } from "../answers/guarded-answer.ts";
import { peerAddressKey, spendingKey } from "../caller/budget.ts";
import {
  httpCallKey,
  peerCertificateKey,
  peerWorkloadKey,
  requestIdHeader,
  requestIdKey,
} from "../caller/context.ts";
import { peerCertificateOf } from "../caller/peer-certificate.ts";
import type { PeerIdentity } from "../caller/workload-identity.ts";
import { messageTooLarge } from "../checks/request-size.ts";
import { callOver, problemError, toConnectError } from "../status.ts";
import { openGrpcAnswer } from "./grpc-answer.ts";
import { asBuffer, errorMetadata, headersOf, metadataOf } from "./grpc-metadata.ts";
import { type OpenHandlerContext, openHandlerContext } from "./handler-context.ts";
import { invokeStream, invokeUnary } from "./invoke.ts";
import { abortable, mapStream, raceAbort } from "./stream.ts";
import { compressionOf, pulledOnly, unreadBodyKey, unreadMessage } from "./unread-body.ts";
import { whenUnread } from "./unread-message.ts";

/**
 * grpc-js takes `grpc-encoding` out of what a handler sees: the server keeps it in this header, which no client can
 * set.
 */
export const compressionHeader = "wellapi-grpc-encoding";

export interface CallOptions {
  readonly interceptors: readonly Interceptor[];
  readonly maximumMessageBytes: number;
  /** The largest request of the method, bytes; `maximumMessageBytes` holds beside it. */
  readonly requestBytes: (method: DescMethod) => number;
  /** Aborts calls that still run when the time to drain is over. */
  readonly shutdownSignal: AbortSignal;
  /** The calling service; undefined at a door. */
  readonly peers: PeerIdentity | undefined;
  /** Running handlers, also after their caller got the end of the call: they may write a last leaf. */
  readonly running: Set<Promise<unknown>>;
}

/**
 * Messages cross grpc-js as bytes: they are decoded inside the call, where a bad one gets a proper status. To grpc-js
 * every request is a stream, which is the same on the wire: it reads, decompresses and keeps the one message of other
 * requests before it calls the handler, and the admission comes before that.
 */
export function methodDefinition({ method, kind }: MethodImplSpec): grpc.MethodDefinition<Buffer, Buffer> {
  const bytes = (buffer: Buffer): Buffer => buffer;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: true,
    responseStream: kind === "server_streaming" || kind === "bidi_streaming",
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

/** grpc-js's handler for the method: Connect's handler and interceptors behind it. */
export function methodHandler(spec: MethodImplSpec, options: CallOptions): grpc.UntypedHandleCall {
  switch (spec.kind) {
    case "unary": {
      const handler: grpc.handleClientStreamingCall<Buffer, Buffer> = async (call, callback) => {
        const context = openContext(spec, call, options);
        try {
          const read = async () => {
            const bytes = await onlyMessage(call);
            context.values.get(spendingKey)?.bytes(bytes.length);
            return decode(spec, bytes, options);
          };
          context.values.set(unreadBodyKey, { compression: compressionIn(context.requestHeader), read });
          const running = invokeUnary(spec, options.interceptors, context, unreadMessage);
          track(running, options.running);
          const response = await raceAbort(running, context.signal);
          const bytes = encode(spec, response.message, options);
          const objection = objectionTo(context.values);
          if (objection !== undefined) throw objection;
          context.values.get(spendingKey)?.bytes(bytes.length);
          call.sendMetadata(metadataOf(response.header));
          openGrpcAnswer(call, context, () => {}).hold(bytes);
          callback(null, bytes, metadataOf(response.trailer));
        } catch (error) {
          callback(statusOf(error));
        } finally {
          context.abort(callOver);
        }
      };
      return handler;
    }
    case "server_streaming":
    case "bidi_streaming": {
      const handler: grpc.handleBidiStreamingCall<Buffer, Buffer> = (call) =>
        // Without the option, leaving the loop would destroy the call, and its status would never be sent.
        respond(spec, call, options, call.iterator({ destroyOnReturn: false }));
      return handler;
    }
    case "client_streaming": {
      const handler: grpc.handleClientStreamingCall<Buffer, Buffer> = async (call, callback) => {
        const context = openContext(spec, call, options);
        try {
          const source = call.iterator({ destroyOnReturn: false });
          const response = await stream(spec, source, context, options);
          let bytes: Buffer | undefined;
          for await (const message of response.message) bytes = encode(spec, message, options);
          call.sendMetadata(metadataOf(response.header));
          callback(null, bytes, metadataOf(response.trailer));
        } catch (error) {
          callback(statusOf(error));
        } finally {
          context.abort(callOver);
        }
      };
      return handler;
    }
  }
}

async function respond(
  spec: Exclude<MethodImplSpec, { kind: "unary" }>,
  call: grpc.ServerDuplexStream<Buffer, Buffer>,
  options: CallOptions,
  source: AsyncIterable<Buffer>,
): Promise<void> {
  const context = openContext(spec, call, options);
  const answer = openGrpcAnswer(call, context, (reason) => {
    // After an objection the stream's own end says why (`guardStream`), soon and also to the log.
    if (objectionTo(context.values) === undefined) context.abort(reason);
  });
  try {
    const response = await stream(spec, source, context, options);
    let headersSent = false;
    const messages = trackedReturn(response.message, options.running);
    // Mapped here, so that a message is not held beside its bytes while its reader takes them.
    const encoded = mapStream(messages, (message) => encode(spec, message, options));
    for await (const bytes of abortable(encoded, context.signal)) {
      if (objectionTo(context.values) !== undefined) continue; // The next pull reports the reason.
      if (!headersSent) {
        call.sendMetadata(metadataOf(response.header)); // the handler may set headers until its first message
        headersSent = true;
      }
      context.values.get(spendingKey)?.bytes(bytes.length);
      await answer.write(bytes);
    }
    if (!headersSent) call.sendMetadata(metadataOf(response.header));
    call.end(metadataOf(response.trailer));
  } catch (error) {
    answer.fail(statusOf(error));
  } finally {
    context.abort(callOver);
  }
}

/** The message of a request that has one. Nothing of it is read before this is called. */
function onlyMessage(call: grpc.ServerReadableStream<Buffer, Buffer>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let only: Buffer | undefined;
    call.on("data", (bytes: Buffer) => {
      if (only === undefined) only = bytes;
      else reject(new ConnectError("the method takes exactly one message", Code.Unimplemented));
    });
    call.on("end", () => {
      if (only === undefined)
        reject(new ConnectError("the method takes exactly one message", Code.Unimplemented));
      else resolve(only);
    });
  });
}

/** What `keepCompression` of the server has kept; it leaves the headers that the handler sees. */
function compressionIn(header: Headers): string | undefined {
  const named = header.get(compressionHeader);
  if (named !== null) header.delete(compressionHeader);
  return compressionOf(named);
}

function track(work: Promise<unknown>, running: Set<Promise<unknown>>): void {
  const settled = work.then(
    () => {},
    () => {},
  );
  running.add(settled);
  settled.then(() => running.delete(settled));
}

/** The stream; ending it early waits for the handler's last steps, which `running` counts. */
function trackedReturn<T>(source: AsyncIterable<T>, running: Set<Promise<unknown>>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = source[Symbol.asyncIterator]();
      return {
        next: () => iterator.next(),
        return() {
          const returned = Promise.resolve(iterator.return?.()).then(
            (): IteratorResult<T> => ({ done: true, value: undefined }),
          );
          track(returned, running);
          return returned;
        },
      };
    },
  };
}

function stream(
  spec: Exclude<MethodImplSpec, { kind: "unary" }>,
  source: AsyncIterable<Buffer>,
  context: ReturnType<typeof openContext>,
  options: CallOptions,
): Promise<StreamResponse> {
  const compression = compressionIn(context.requestHeader);
  context.values.set(unreadBodyKey, { compression, read: pulledOnly });
  const requests = mapStream(wholeOrAborted(source, context.signal), (bytes) => {
    context.values.get(spendingKey)?.bytes(bytes.length);
    return decode(spec, bytes, options);
  });
  return raceAbort(
    invokeStream(spec, options.interceptors, context, abortable(requests, context.signal)),
    context.signal,
  );
}

/**
 * A cancelled request stream looks complete to grpc-js. One turn of the event loop later the cancellation is known.
 * That doesn't catch every client (Node's own ends the stream before it resets it), so handlers must never commit
 * because a stream ended.
 */
async function* wholeOrAborted(source: AsyncIterable<Buffer>, signal: AbortSignal): AsyncIterable<Buffer> {
  yield* source;
  await setImmediate();
  signal.throwIfAborted();
}

/** Deadlines are clamped to this: timers overflow at 2^31 ms. */
const longestMs = 2 ** 31 - 1;

/** The common part of the four kinds of calls. */
type AnyCall = Pick<
  grpc.ServerUnaryCall<Buffer, Buffer>,
  "getDeadline" | "metadata" | "getAuthContext" | "getPeer" | "getHost" | "getPath"
> & {
  on(event: "cancelled", listener: () => void): unknown;
};

function openContext(spec: MethodImplSpec, call: AnyCall, options: CallOptions): OpenHandlerContext {
  const { shutdownSignal, peers } = options;
  const deadline = Number(call.getDeadline());
  const timeoutMs = Number.isFinite(deadline)
    ? Math.min(Math.max(deadline - Date.now(), 0), longestMs)
    : undefined;
  const requestHeader = headersOf(call.metadata);
  const context = openHandlerContext({
    method: spec.method,
    url: `grpc:///${spec.method.parent.typeName}/${spec.method.name}`,
    timeoutMs,
    follow: [shutdownSignal],
    requestHeader,
    values: peerValues(call, requestHeader, peers),
  });
  whenUnread(call.metadata, mostBytesOf(spec, options), (error) => {
    error.metadata.set(requestIdHeader, context.values.get(requestIdKey));
    context.abort(error);
    return statusOf(error);
  });
  // 'cancelled' also follows a successful call; its context is already aborted then. It follows a reset by an
  // objection, too, and then the answer still gets its own end.
  call.on("cancelled", () => {
    if (context.signal.aborted || objectionTo(context.values) !== undefined) return;
    const expired = Date.now() >= deadline;
    context.abort(
      problemError({
        code: expired ? Code.DeadlineExceeded : Code.Canceled,
        reason: expired ? "DEADLINE_EXCEEDED" : "CANCELED",
        message: expired
          ? "the deadline passed before the call was finished"
          : "the client cancelled the call",
      }),
    );
  });
  return context;
}

/**
 * Inside the mesh the certificate names a service. A caller from outside has no other credential, so it stays
 * unknown.
 */
function peerValues(call: AnyCall, header: Headers, peers: PeerIdentity | undefined): ContextValues {
  const values = createContextValues();
  const certificate = peerCertificateOf(call);
  if (peers === undefined) {
    values.set(peerAddressKey, addressOf(call.getPeer()));
    values.set(httpCallKey, { method: "POST", authority: call.getHost(), path: call.getPath() });
    return certificate === undefined ? values : values.set(peerCertificateKey, certificate.raw);
  }
  return values.set(peerWorkloadKey, peers({ subjectAltName: certificate?.subjectaltname, header }));
}

/** `127.0.0.1` of `127.0.0.1:50051`; `::1` of `[::1]:50051` or `::1:50051`. */
function addressOf(peer: string): string | undefined {
  const address = peer.slice(0, Math.max(0, peer.lastIndexOf(":"))).replace(/^\[|\]$/g, "");
  return address === "" ? undefined : address;
}

function mostBytesOf({ method }: MethodImplSpec, options: CallOptions): number {
  return Math.min(options.maximumMessageBytes, options.requestBytes(method));
}

function decode(spec: MethodImplSpec, bytes: Buffer, options: CallOptions): Message {
  const most = mostBytesOf(spec, options);
  if (bytes.length > most) throw problemError(messageTooLarge(most));
  try {
    return fromBinary(spec.method.input, bytes);
  } catch (cause) {
    const message = `the message is not a valid ${spec.method.input.typeName}: encode it by the contract`;
    throw problemError({ code: Code.InvalidArgument, reason: "MALFORMED_MESSAGE", message }, cause);
  }
}

function encode(spec: MethodImplSpec, message: Message, { maximumMessageBytes }: CallOptions): Buffer {
  const bytes = toBinary(spec.method.output, message);
  if (bytes.length > maximumMessageBytes) {
    throw problemError({
      // Not RESOURCE_EXHAUSTED, which clients retry: the same request gets the same answer.
      code: Code.OutOfRange,
      reason: "ANSWER_TOO_LARGE",
      message: `the answer is larger than ${maximumMessageBytes} bytes: ask for less, by page_size or a shorter interval`,
    });
  }
  return asBuffer(bytes);
}

/** What grpc-js sends. Interceptors have mapped handlers' errors already; this maps the adapter's own. */
function statusOf(error: unknown) {
  const described =
    error instanceof ConnectError && error.metadata.has(requestIdHeader) ? error : toConnectError(error);
  return Object.assign(new Error(described.rawMessage), {
    code: described.code as number,
    details: described.rawMessage,
    metadata: errorMetadata(described),
  });
}
