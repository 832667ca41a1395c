import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { problemOf } from "../status.ts";
import { collect, each } from "./stream.ts";

export interface RetryOptions {
  /** Methods that may be repeated, although their contract does not mark them so. */
  readonly idempotent?: readonly DescMethod[];
  /** All attempts of a call; 3 unless given. */
  readonly attempts?: number;
  /** First delay in milliseconds, doubled each time; 100 unless given. */
  readonly backoffMs?: number;
  /** Only calls that were refused with one of these reasons. Absent: with any. */
  readonly reasons?: readonly string[];
  /** For tests. */
  readonly random?: () => number;
}

/** The caller decides about longer delays. */
const longestWaitMs = 2_000;

/**
 * The transport with retries, for calls of methods without side effects (or named as
 * idempotent) that ended with UNAVAILABLE. The delay is the server's google.rpc.RetryInfo if given, else
 * exponential with jitter. Retries end with the call's deadline or cancellation. Streams are retried
 * until their first message; streams of requests are not.
 */
export function withRetries(transport: Transport, options: RetryOptions = {}): Transport {
  const { attempts = 3, backoffMs = 100, random = Math.random } = options;
  const named = new Set((options.idempotent ?? []).map(keyOf));
  const isRepeated = (reason: string): boolean => options.reasons?.includes(reason) ?? true;

  function mayRepeat(method: DescMethod): boolean {
    const safe = method.idempotency === Level.NO_SIDE_EFFECTS || method.idempotency === Level.IDEMPOTENT;
    return safe || named.has(keyOf(method));
  }

  async function repeated<T>(
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    call: (timeoutMs: number | undefined) => Promise<T>,
  ): Promise<T> {
    const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    for (let attempt = 1; ; attempt++) {
      try {
        // Whole milliseconds: a fraction in grpc-timeout is read as a far shorter time.
        const left = timeoutMs === undefined ? undefined : Math.ceil(until - performance.now());
        return await call(left === undefined ? undefined : Math.max(1, left));
      } catch (error) {
        const described = ConnectError.from(error);
        const again = described.code === Code.Unavailable && attempt < attempts && !signal?.aborted;
        if (!again) throw error;
        const { reason, retryAfterMs } = problemOf(described);
        if (!isRepeated(reason)) throw error;
        const backoff = backoffMs * 2 ** (attempt - 1) * (0.5 + random() / 2);
        const waitMs = retryAfterMs ?? backoff;
        if (waitMs > longestWaitMs || performance.now() + waitMs >= until) throw error;
        await pause(waitMs, signal);
        if (signal?.aborted) throw error;
      }
    }
  }

  return {
    unary(method, signal, timeoutMs, header, input, values) {
      const call = (left: number | undefined) => transport.unary(method, signal, left, header, input, values);
      return mayRepeat(method) ? repeated(signal, timeoutMs, call) : call(timeoutMs);
    },
    async stream(method, signal, timeoutMs, header, input, values) {
      if (method.methodKind !== "server_streaming" || !mayRepeat(method)) {
        return transport.stream(method, signal, timeoutMs, header, input, values);
      }
      const requests = await collect(input);
      return repeated(signal, timeoutMs, (left) =>
        transport.stream(method, signal, left, header, each(requests), values),
      );
    },
  };
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

function keyOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
