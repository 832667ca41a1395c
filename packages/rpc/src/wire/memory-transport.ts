import {
  create,
  type DescMessage,
  type DescMethod,
  isMessage,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  createServiceImplSpec,
  type Interceptor,
  type MethodImplSpec,
  type StreamResponse,
  type Transport,
  type UnaryResponse,
} from "@connectrpc/connect";
import { context, propagation } from "@opentelemetry/api";
import { peerAddressKey } from "../caller/budget.ts";
import { assertRoutes, rpcNameOf } from "../caller/callers.ts";
import {
  type HttpCall,
  httpCallKey,
  peerCertificateKey,
  peerWorkloadKey,
  requestIdHeader,
  requestIdKey,
  requestTransferredKey,
} from "../caller/context.ts";
import { assertInterceptors } from "../interceptors/step.ts";
import { callOver } from "../status.ts";
import { copyMessage } from "./copy.ts";
import { memoryUrl, type OpenHandlerContext, openHandlerContext } from "./handler-context.ts";
import { invokeStream, invokeUnary, unaryHandler } from "./invoke.ts";
import type { Route } from "./route.ts";
import { type StartedCall, startUnary } from "./started-call.ts";
import { abortable, hookStream, mapStream, onAbort, raceAbort } from "./stream.ts";

export interface MemoryTransportOptions {
  readonly routes: readonly Route[];
  /** From `serverInterceptors(...)`: the same list as on the wire. */
  readonly interceptors: readonly Interceptor[];
  /** The workload that calls through this transport. The composition root vouches for it. */
  readonly workload: string;
}

/** A call from outside, as its HTTP surface received it. */
export interface OutsideCall {
  /** Its credential and its request id; no other headers of the request. */
  readonly header: Headers;
  /** Each ends the calls that are made for it. */
  readonly signals: readonly AbortSignal[];
  /** Where the caller is connected; its budget counts by it. */
  readonly address?: string | undefined;
  /** The certificate of the caller's TLS connection, DER. */
  readonly certificate?: Uint8Array | undefined;
  /** The request itself. */
  readonly http?: HttpCall | undefined;
  /** The compression of the request's body, by its headers. */
  readonly compression?: string | undefined;
  /** Takes the values of each call: code that writes bytes checks `objectionTo(values)` right before. */
  readonly opened: (values: ContextValues) => void;
}

/** A door for callers from outside whose requests are not RPCs. */
export interface Door {
  /** Calls on behalf of the caller from outside. Headers of the client are dropped: it cannot name another caller. */
  transportFor(call: OutsideCall): Transport;
  /**
   * Admits a unary call whose message is in a body that nobody has read yet: every step before `body` of the
   * interceptors has run. @throws ConnectError of the step that refused it.
   */
  admit(call: OutsideCall, method: DescMethod): Promise<AdmittedCall>;
}

/** A call that waits for its message. */
export interface AdmittedCall {
  /** As `transportFor`; the first call of the method is the admitted one. */
  readonly transport: Transport;
  /** Ends the call, because its body cannot be read. */
  refuse(error: ConnectError): void;
}

/** Timers overflow at 2^31 ms and fire at once: longer deadlines are cut to this. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * Calls the routes' handlers in this process. Interceptors, headers, deadlines, cancellation, errors and
 * back-pressure are those of the wire; messages are copied, not serialized, so neither side sees what the other
 * changes later (except requests that their caller transfers: `requestTransferredKey`). A stream holds at most one
 * message between handler and reader. Message sizes are not limited: the door in front limits them.
 */
export function createMemoryTransport({ workload, ...served }: MemoryTransportOptions): Transport {
  return transportTo(specsOf(served), served.interceptors, {
    follow: [],
    header: (given) => new Headers(given),
    // The client's values never reach the server's side: a caller cannot name itself.
    values: () => createContextValues().set(peerWorkloadKey, workload),
  });
}

/**
 * A door in front of the routes, for an HTTP surface in this process: calls pass the same interceptors as an RPC from
 * outside, and are anonymous unless the request has a credential.
 */
export function createDoor(served: Omit<MemoryTransportOptions, "workload">): Door {
  const { interceptors } = served;
  const specs = specsOf(served);
  return {
    transportFor: (call) => transportTo(specs, interceptors, originOf(call)),
    async admit(call, method) {
      const origin = originOf(call);
      const { spec, handlerContext } = openCall(specs, origin, method, {});
      if (spec.kind !== "unary") throw new ConnectError("not a unary method", Code.Unimplemented);
      try {
        const started = await startUnary(interceptors, handlerContext, {
          compression: call.compression,
          unread: (reason) => reason,
        });
        return {
          transport: transportTo(specs, interceptors, {
            ...origin,
            begun: { spec, handlerContext, started },
          }),
          refuse: (error) => handlerContext.abort(error),
        };
      } catch (error) {
        handlerContext.abort(callOver);
        throw error;
      }
    },
  };
}

function originOf({ header, signals, address, certificate, http, opened }: OutsideCall): Origin {
  return {
    follow: signals,
    header: () => new Headers(header),
    values() {
      const values = outsideValues({ address, certificate, http });
      opened(values);
      return values;
    },
  };
}

/** What authentication reads of a request from outside beside its headers. */
export function outsideValues({
  address,
  certificate,
  http,
}: Pick<OutsideCall, "address" | "certificate" | "http">): ContextValues {
  return createContextValues()
    .set(peerAddressKey, address)
    .set(peerCertificateKey, certificate)
    .set(httpCallKey, http);
}

type Specs = ReadonlyMap<string, MethodImplSpec>;

function specsOf({ routes, interceptors }: Omit<MemoryTransportOptions, "workload">): Specs {
  assertRoutes(routes);
  assertInterceptors(interceptors);
  const specs = new Map<string, MethodImplSpec>();
  for (const { service, implementation } of routes) {
    const { methods } = createServiceImplSpec(service, implementation);
    for (const spec of Object.values(methods)) specs.set(rpcNameOf(spec.method), spec);
  }
  return specs;
}

/** The server's view of a call, beside its message. */
interface Origin {
  readonly follow: readonly AbortSignal[];
  /** Made from the client's headers. */
  header(given: Parameters<Transport["unary"]>[3]): Headers;
  /** Of a call that begins. */
  values(): ContextValues;
  /** A call that is admitted already. */
  readonly begun?: BegunCall;
}

interface BegunCall {
  readonly spec: MethodImplSpec & { kind: "unary" };
  readonly handlerContext: OpenHandlerContext;
  readonly started: StartedCall;
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly header?: Parameters<Transport["unary"]>[3];
  readonly clientValues?: ContextValues | undefined;
}

function openCall(specs: Specs, origin: Origin, method: DescMethod, options: CallOptions) {
  const { signal, timeoutMs, header, clientValues } = options;
  const spec = specs.get(rpcNameOf(method));
  if (spec === undefined) {
    throw new ConnectError(`${rpcNameOf(method)} is not served here`, Code.Unimplemented);
  }
  const requestHeader = origin.header(header);
  const requestId = clientValues?.get(requestIdKey);
  if (requestId) requestHeader.set(requestIdHeader, requestId);
  propagation.inject(context.active(), requestHeader, {
    set: (carrier, key, value) => carrier.set(key, value),
  });
  const handlerContext = openHandlerContext({
    method,
    url: `${memoryUrl}${rpcNameOf(method)}`,
    timeoutMs: timeoutMs === undefined ? undefined : Math.min(timeoutMs, longestTimeoutMs),
    follow: [signal, ...origin.follow],
    requestHeader,
    values: origin.values(),
  });
  return { spec, handlerContext };
}

function transportTo(specs: Specs, interceptors: readonly Interceptor[], origin: Origin): Transport {
  let { begun } = origin;

  /** The admitted call goes on; any other begins. */
  function unaryCall(method: DescMethod, options: CallOptions, message: Message) {
    if (begun !== undefined && rpcNameOf(begun.spec.method) === rpcNameOf(method)) {
      const { spec, handlerContext, started } = begun;
      begun = undefined;
      const { signal } = options;
      if (signal !== undefined) onAbort(signal, () => handlerContext.abort(signal.reason));
      return { handlerContext, answer: () => started.proceed(message, unaryHandler(spec, handlerContext)) };
    }
    const { spec, handlerContext } = openCall(specs, origin, method, options);
    if (spec.kind !== "unary") throw new ConnectError("not a unary method", Code.Unimplemented);
    return { handlerContext, answer: () => invokeUnary(spec, interceptors, handlerContext, message) };
  }

  return {
    async unary(method, signal, timeoutMs, header, input, clientValues) {
      const request = clientValues?.get(requestTransferredKey)
        ? messageOf(method.input, input)
        : handOver(method.input, input);
      const { handlerContext, answer } = unaryCall(
        method,
        { signal, timeoutMs, header, clientValues },
        request,
      );
      try {
        const response = await raceAbort(answer(), handlerContext.signal);
        return { ...response, method, message: copyMessage(response.message) } as UnaryResponse as never;
      } catch (error) {
        throw ConnectError.from(error);
      } finally {
        handlerContext.abort(callOver);
      }
    },

    async stream(method, signal, timeoutMs, header, input, clientValues) {
      const options = { signal, timeoutMs, header, clientValues };
      const { spec, handlerContext } = openCall(specs, origin, method, options);
      if (spec.kind === "unary") throw new ConnectError("not a streaming method", Code.Unimplemented);
      const requests = mapStream(input as AsyncIterable<MessageInitShape<DescMessage>>, (message) =>
        handOver(method.input, message),
      );
      try {
        const response = await raceAbort(
          invokeStream(spec, interceptors, handlerContext, abortable(requests, handlerContext.signal)),
          handlerContext.signal,
        );
        const messages = await started(response.message, handlerContext.signal);
        const message = hookStream(mapStream(messages, copyMessage), {
          error: (error) => ConnectError.from(error),
          end: () => handlerContext.abort(callOver),
        });
        return { ...response, method, message } as StreamResponse as never;
      } catch (error) {
        handlerContext.abort(callOver);
        throw ConnectError.from(error);
      }
    },
  };
}

/**
 * The stream, with its handler already running: as on the wire, it starts without a reader.
 * One message is awaited: headers leave with the first one.
 */
async function started(
  messages: AsyncIterable<Message>,
  signal: AbortSignal,
): Promise<AsyncIterable<Message>> {
  const iterator = abortable(messages, signal)[Symbol.asyncIterator]();
  let first: IteratorResult<Message> | undefined = await iterator.next();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        if (first === undefined) return iterator.next();
        const result = first;
        first = undefined;
        return result;
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

/** An independent copy of the message. */
function handOver(schema: DescMessage, message: MessageInitShape<DescMessage>): Message {
  return copyMessage(messageOf(schema, message));
}

function messageOf(schema: DescMessage, message: MessageInitShape<DescMessage>): Message {
  return isMessage(message, schema) ? message : create(schema, message);
}
