import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { type Connection, connect } from "@wellapi/client";
import type { Company } from "@wellapi/demo/people";

/** After this a call is given up and made again, as a client with a user before it does. */
export const callMs = 3_000;

/** A company's gRPC connection that notices when it is dead. */
export function openDoor(address: string, { certificate }: Company): Connection {
  return connect({
    url: `https://${address}`,
    certificate,
    keepAlive: { intervalMs: 1_000, timeoutMs: 2_000 },
  });
}

/** The transport, with a deadline for each call that names none. */
export function impatient(transport: Transport): Transport {
  return {
    stream: (...call) => transport.stream(...call),
    unary: (method, signal, timeoutMs = callMs, ...rest) =>
      transport.unary(method, signal, timeoutMs, ...rest),
  };
}

/** Answers that a client may get while something is broken: no decision was made, nothing was released. */
const passing: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Aborted,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Unknown,
  Code.Internal,
]);

export function isPassing(error: unknown): boolean {
  return passing.has(ConnectError.from(error).code);
}

const againMs = 100;

/** Repeats a call until it is answered. Throws where it is refused, or the signal aborts. */
export async function untilAnswered<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      await delay(againMs, undefined, { signal });
    }
  }
}
