import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, type Transport } from "@connectrpc/connect";
import { WellApiError } from "./errors.ts";
import { pause, waitBefore } from "./reconnection.ts";

/**
 * When a single call is repeated: where its contract says that it is idempotent, or the request carries a `request_id`; and the error
 * is transient. Streams repeat by rules of their own.
 */
export interface Retries {
  /** Calls in all. */
  readonly attempts: number;
  /**
   * Repetitions that the connection may be ahead of its successes; 10 unless given. Each repetition takes one, each call that
   * succeeds gives a tenth back: a server that fails for everybody gets a tenth more calls, and not `attempts` times as many.
   */
  readonly budget?: number;
  /** Milliseconds; 30,000 unless given. An error that asks for more is thrown. */
  readonly longestWaitMs?: number;
}

const backoff = { firstMs: 200, longestMs: 5_000 };

/** The transport, but single calls are repeated. Below it errors are WellApiErrors. */
export function withRetries(transport: Transport, retries: Retries): Transport {
  const { attempts, budget = 10, longestWaitMs = 30_000 } = retries;
  let left = budget;
  return {
    stream: (...call) => transport.stream(...call),
    async unary(method, signal, timeoutMs, header, input, values) {
      const requestId = method.input.fields.find(({ name }) => name === "request_id");
      const { idempotency } = method;
      const promised =
        idempotency !== undefined && idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
      const carried =
        requestId !== undefined &&
        "requestId" in input &&
        typeof input.requestId === "string" &&
        input.requestId !== "";
      for (let attempt = 1; ; attempt++) {
        try {
          const answer = await transport.unary(method, signal, timeoutMs, header, input, values);
          left = Math.min(budget, left + 0.1);
          return answer;
        } catch (caught) {
          const error = WellApiError.from(caught);
          const safe = (promised || carried) && error.transient && error.code !== Code.DeadlineExceeded;
          const longer = (error.retryAfterMs ?? 0) > longestWaitMs;
          if (!safe || longer || attempt >= attempts || left < 1 || signal?.aborted) throw error;
          left -= 1;
          await pause(waitBefore(attempt, error, backoff), signal);
        }
      }
    },
  };
}
