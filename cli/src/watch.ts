import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type {
  RecordsService,
  WatchSeriesRequestSchema,
  WatchSeriesResponse,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";

/** A cut of the connection, or a server that restarts. What the server has decided it says again. */
const passing: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Aborted,
  Code.Canceled,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
]);
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/**
 * A watch that goes on where it was cut, until `signal` aborts or the server refuses it. A batch that was cut comes again
 * from its start; nothing else comes twice, and nothing is left out.
 */
export async function* followWatch(
  client: Client<typeof RecordsService>,
  request: Omit<MessageInitShape<typeof WatchSeriesRequestSchema>, "$typeName" | "resumeToken">,
  resumeToken: string,
  signal: AbortSignal,
  onCut: (error: ConnectError) => void,
): AsyncGenerator<WatchSeriesResponse> {
  let [reached, pause] = [resumeToken, FIRST_PAUSE_MS];
  while (!signal.aborted) {
    try {
      for await (const message of client.watchSeries({ ...request, resumeToken: reached }, { signal })) {
        [reached, pause] = [message.resumeToken, FIRST_PAUSE_MS];
        yield message;
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = ConnectError.from(error);
      if (!passing.has(failure.code)) throw error;
      onCut(failure);
    }
    await delay(pause, undefined, { signal }).catch(() => {});
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}
