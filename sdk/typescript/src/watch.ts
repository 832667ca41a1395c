import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  WatchSeriesRequestSchema,
  WatchSeriesResponse,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { WellApiError } from "./errors.ts";
import type { RecordsClient } from "./reads.ts";
import { pause, waitBefore } from "./reconnection.ts";

export interface WatchOptions {
  /** The `resumeToken` of the last message of an earlier watch of the same query. Absent: only later arrivals. */
  readonly resumeToken?: string;
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal;
  /** Called when the watch was cut, or the server has ended it, and will be opened again after a pause. */
  readonly onCut?: (error: WellApiError) => void;
}

const backoff = { firstMs: 200, longestMs: 10_000 };

/**
 * A watch that resumes after a cut, until `signal` aborts or the server refuses it (then it throws WellApiError). A
 * batch that was cut comes again from its start; nothing else comes twice, and nothing is missing.
 */
export async function* watchSeries(
  client: RecordsClient,
  request: Omit<MessageInitShape<typeof WatchSeriesRequestSchema>, "$typeName" | "resumeToken">,
  { resumeToken = "", signal, onCut }: WatchOptions = {},
): AsyncGenerator<WatchSeriesResponse, void, undefined> {
  let reached = resumeToken;
  let attempt = 0;
  while (!signal?.aborted) {
    let error: WellApiError;
    try {
      const messages = client.watchSeries(
        { ...request, resumeToken: reached },
        signal === undefined ? {} : { signal },
      );
      for await (const message of messages) {
        // A message of a later version may have none: to forget the place would leave data out.
        if (message.resumeToken !== "") reached = message.resumeToken;
        attempt = 0;
        yield message;
      }
      error = WellApiError.from(new ConnectError("the server ended the watch", Code.Unavailable));
    } catch (caught) {
      error = WellApiError.from(caught);
    }
    if (signal?.aborted) return;
    if (!error.transient) throw error;
    onCut?.(error);
    attempt += 1;
    await pause(waitBefore(attempt, error, backoff), signal);
  }
}
