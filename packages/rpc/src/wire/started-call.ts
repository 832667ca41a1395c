import type { DescMethod, DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type {
  HandlerContext,
  Interceptor,
  StreamRequest,
  StreamResponse,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";
import { chain, type Next } from "./invoke.ts";
import { onAbort } from "./stream.ts";
import { pulledOnly, unreadBodyKey, unreadMessage } from "./unread-body.ts";

/** A unary call that is admitted before somebody else reads its body: Connect's handler, or the parser of a surface. */
export interface StartedCall {
  readonly method: DescMethod;
  /** Continues with the message: the remaining steps, then the handler. Called once. */
  proceed(message: Message, handler: Next): Promise<UnaryResponse>;
}

/** What a call knows before its body is read. */
export type CallHead = Pick<
  HandlerContext,
  "method" | "service" | "requestMethod" | "url" | "signal" | "requestHeader" | "values"
>;

/**
 * Runs the steps before `body`, and resolves when they have admitted the call; rejects with their error otherwise. The
 * steps go on around the rest of the call. If the signal aborts before `proceed`, the body was not read: the steps
 * end with the reason, as `unread` describes it.
 */
export async function startUnary(
  interceptors: readonly Interceptor[],
  head: CallHead,
  options: {
    readonly compression: string | undefined;
    /** The error of a call whose body was not read, for its caller and the log. */
    readonly unread: (reason: unknown) => unknown;
  },
): Promise<StartedCall> {
  const { method, values } = head;
  const admitted = Promise.withResolvers<void>();
  const message = Promise.withResolvers<Message>();
  message.promise.catch(() => {}); // A call that is refused waits for no message.
  let handler: Next | undefined;
  // The reason must be described before any step sees it, so the steps get a signal of their own.
  const over = new AbortController();
  onAbort(head.signal, () => {
    const { reason } = head.signal;
    const described = handler === undefined ? options.unread(reason) : reason;
    over.abort(described);
    message.reject(described);
  });
  values.set(unreadBodyKey, {
    compression: options.compression,
    read() {
      admitted.resolve();
      return message.promise;
    },
  });
  const request: UnaryRequest = {
    stream: false,
    service: head.service,
    method: method as DescMethodUnary,
    requestMethod: head.requestMethod,
    url: head.url,
    signal: over.signal,
    header: head.requestHeader,
    contextValues: values,
    message: unreadMessage,
  };
  const last: Next = (admittedRequest) => handler!(admittedRequest);
  const answer = chain(last, interceptors)(request) as Promise<UnaryResponse>;
  answer.catch(() => {}); // Its reader may have left.
  await Promise.race([admitted.promise, answer]);
  return {
    method,
    proceed(read, next) {
      handler = next;
      message.resolve(read);
      return answer;
    },
  };
}

/** A stream that is admitted, and whose turn it is, before Connect's handler makes anything of it. */
export interface StartedStream {
  /** Continues with the messages: the remaining steps, then the handler. Called once. */
  proceed(messages: AsyncIterable<Message>, handler: Next): Promise<StreamResponse>;
}

/**
 * Runs the steps before `body`, and resolves when they have admitted the stream and its `turn` has come; rejects with
 * their error otherwise. The steps go on around the rest of the call.
 */
export async function startStream(
  interceptors: readonly Interceptor[],
  head: CallHead,
  options: {
    readonly compression: string | undefined;
    /** Called when it is admitted. Resolves when it may go on; if it rejects, that is the stream's error. */
    readonly turn: () => Promise<void>;
  },
): Promise<StartedStream> {
  const { compression, turn } = options;
  const began = Promise.withResolvers<void>();
  const proceeding = Promise.withResolvers<void>();
  let rest: { readonly messages: AsyncIterable<Message>; readonly handler: Next } | undefined;
  head.values.set(unreadBodyKey, {
    compression,
    read: pulledOnly,
    async begin() {
      await turn();
      began.resolve();
      await proceeding.promise;
    },
  });
  const request: StreamRequest = {
    stream: true,
    service: head.service,
    method: head.method as DescMethodStreaming,
    requestMethod: head.requestMethod,
    url: head.url,
    signal: head.signal,
    header: head.requestHeader,
    contextValues: head.values,
    // Nothing is pulled before the handler is called.
    message: { [Symbol.asyncIterator]: () => rest!.messages[Symbol.asyncIterator]() },
  };
  const last: Next = (admitted) => rest!.handler(admitted);
  const answer = chain(last, interceptors)(request) as Promise<StreamResponse>;
  answer.catch(() => {}); // Its reader may have left.
  await Promise.race([began.promise, answer]);
  return {
    proceed(messages, handler) {
      rest = { messages, handler };
      proceeding.resolve();
      return answer;
    },
  };
}
