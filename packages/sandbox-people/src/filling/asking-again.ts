import { ConnectError, type Transport } from "@connectrpc/connect";
import { RetryInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";

const attempts = 6;
/** Who is told to wait for longer is told so. */
const longestWaitMs = 30_000;

/**
 * The transport, which asks again where the exchange says when (google.rpc.RetryInfo): a service that cannot decide for a moment, or a rate
 * that is used up, ends no filling. For calls that carry an id of their own, or change nothing twice.
 */
export function askingAgain(transport: Transport): Transport {
  return {
    stream: (...call) => transport.stream(...call),
    async unary(method, signal, ...call) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await transport.unary(method, signal, ...call);
        } catch (error) {
          const waitMs = waitOf(ConnectError.from(error));
          if (waitMs === undefined || waitMs > longestWaitMs || attempt >= attempts) throw error;
          await new Promise((resolve) => setTimeout(resolve, waitMs));
          signal?.throwIfAborted();
        }
      }
    },
  };
}

/** Milliseconds; undefined where asking again does not help. */
function waitOf(error: ConnectError): number | undefined {
  const [info] = error.findDetails(RetryInfoSchema);
  if (info === undefined) return undefined;
  const { seconds = 0n, nanos = 0 } = info.retryDelay ?? {};
  return Number(seconds) * 1_000 + nanos / 1e6;
}
