import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type HandlerContext } from "@connectrpc/connect";

/** Begins the URL of a call that its process makes by itself, without a network. */
export const memoryUrl = "memory:///";

/** A call as its handler sees it, and how the transport ends it. */
export interface OpenHandlerContext extends HandlerContext {
  /** Aborts the signal, stops the deadline and stops following other signals. Call it when the call is over. */
  abort(reason: unknown): void;
}

/**
 * As Connect's `createHandlerContext`, but cheaper for many calls: one AbortController instead of three, and headers
 * without a copy. The context owns `requestHeader` from then on.
 */
export function openHandlerContext(init: {
  readonly method: DescMethod;
  readonly url: string;
  /** Milliseconds, at most 2^31 − 1. Absent: no deadline. */
  readonly timeoutMs: number | undefined;
  /** Signals whose abort ends the call with their reason. */
  readonly follow: readonly (AbortSignal | undefined)[];
  readonly requestHeader: Headers;
  readonly values: ContextValues;
}): OpenHandlerContext {
  const { method, url, timeoutMs, requestHeader, values } = init;
  const controller = new AbortController();
  const { signal } = controller;
  const followed = init.follow.filter((one) => one !== undefined);
  const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
  let timer: NodeJS.Timeout | undefined;

  const abort = (reason: unknown): void => {
    clearTimeout(timer);
    for (const one of followed) one.removeEventListener("abort", follow);
    if (!signal.aborted) controller.abort(reason);
  };
  function follow(this: AbortSignal): void {
    abort(this.reason);
  }
  const expire = (): void => abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));

  if (timeoutMs !== undefined) {
    if (timeoutMs <= 0) expire();
    else timer = setTimeout(expire, timeoutMs);
  }
  for (const one of followed) {
    if (one.aborted) abort(one.reason);
    else if (!signal.aborted) one.addEventListener("abort", follow);
  }
  return {
    service: method.parent,
    method,
    protocolName: "grpc",
    requestMethod: "POST",
    url,
    signal,
    timeoutMs: () => (deadline === undefined ? undefined : deadline - Date.now()),
    requestHeader,
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    values,
    abort,
  };
}
