import { ConnectError, type Transport } from "@connectrpc/connect";
import { collect, each, hookStream } from "./stream.ts";
import { wireFailure } from "./wire-failure.ts";

/** Servers that drain one after another may each refuse a call. */
const attempts = 4;

/**
 * The transport, but any call that a server refused unread (HTTP/2, section 8.7) is sent again at once, as
 * gRPC's other clients do (gRFC A6, transparent retries). Streams of requests are not sent again: their messages are
 * no longer available.
 */
export function withRefusedAgain(transport: Transport): Transport {
  async function again<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        const failure = wireFailure(error, signal);
        if (failure?.refused && attempt < attempts) continue;
        throw failure?.error ?? ConnectError.from(error);
      }
    }
  }
  return {
    unary: (...call) => again(call[1], () => transport.unary(...call)),
    async stream(method, signal, timeoutMs, header, input, values) {
      const open = (messages: typeof input) =>
        transport.stream(method, signal, timeoutMs, header, messages, values);
      const error = (thrown: unknown): unknown => wireFailure(thrown, signal)?.error ?? thrown;
      if (method.methodKind !== "server_streaming") {
        const response = await open(input).catch((thrown: unknown) => Promise.reject(error(thrown)));
        return { ...response, message: hookStream(response.message, { error }) };
      }
      const requests = await collect(input);
      const response = await again(signal, () => open(each(requests)));
      return { ...response, message: hookStream(response.message, { error }) };
    },
  };
}
