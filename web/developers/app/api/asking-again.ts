import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { RetryInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";

const attempts = 6;
/** What asks for more is told to the reader. */
const longestWaitMs = 30_000;

/** Asks again where the exchange says when (google.rpc.RetryInfo). For calls that carry an id of their own, or change nothing twice. */
export const askingAgain: Interceptor = (next) => async (request) => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await next(request);
    } catch (error) {
      const waitMs = waitOf(ConnectError.from(error));
      if (waitMs === undefined || waitMs > longestWaitMs || attempt >= attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      request.signal.throwIfAborted();
    }
  }
};

/** Milliseconds; undefined where asking again does not help. */
function waitOf(error: ConnectError): number | undefined {
  const [info] = error.findDetails(RetryInfoSchema);
  if (info === undefined) return undefined;
  const { seconds = 0n, nanos = 0 } = info.retryDelay ?? {};
  return Number(seconds) * 1_000 + nanos / 1e6;
}
