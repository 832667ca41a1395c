import type { MessageInitShape } from "@bufbuild/protobuf";
import { type CallOptions, type Client, Code, ConnectError } from "@connectrpc/connect";
import type {
  RequestLogService,
  WatchRequestsRequestSchema,
  WatchRequestsResponse,
} from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import type { EventService, WatchEventsResponse } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
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
  /** Called when the watch was cut and will be opened again after a pause. */
  readonly onCut?: (error: WellApiError) => void;
}

/** `createClient(EventService, connection)`. */
export type EventClient = Client<typeof EventService>;

const backoff = { firstMs: 200, longestMs: 10_000 };

/**
 * A watch that resumes after a cut, until `signal` aborts or the server refuses it (then it throws WellApiError). A
 * batch that was cut comes again from its start; nothing else comes twice, and nothing is missing.
 */
export function watchSeries(
  client: RecordsClient,
  request: Omit<MessageInitShape<typeof WatchSeriesRequestSchema>, "$typeName" | "resumeToken">,
  options: WatchOptions = {},
): AsyncGenerator<WatchSeriesResponse, void, undefined> {
  return resumed(
    (resumeToken, callOptions) => client.watchSeries({ ...request, resumeToken }, callOptions),
    options,
  );
}

/**
 * What becomes of the organization's consents and requests, as `watchSeries` watches. Keep the `resumeToken` of a message once its
 * events are handled. Throws WellApiError `RESUME_TOKEN_TOO_OLD` where events are missing: read the consents, and begin without it.
 */
export function watchEvents(
  client: EventClient,
  options: WatchOptions = {},
): AsyncGenerator<WatchEventsResponse, void, undefined> {
  return resumed((resumeToken, callOptions) => client.watchEvents({ resumeToken }, callOptions), options);
}

/** The requests of the organization as they end, as `watchSeries` watches; `filter` leaves the others out. */
export function watchRequests(
  client: Client<typeof RequestLogService>,
  filter: NonNullable<MessageInitShape<typeof WatchRequestsRequestSchema>["filter"]>,
  options: WatchOptions = {},
): AsyncGenerator<WatchRequestsResponse, void, undefined> {
  return resumed(
    (resumeToken, callOptions) => client.watchRequests({ filter, resumeToken }, callOptions),
    options,
  );
}

async function* resumed<M extends { readonly resumeToken: string }>(
  open: (resumeToken: string, options: CallOptions) => AsyncIterable<M>,
  { resumeToken = "", signal, onCut }: WatchOptions,
): AsyncGenerator<M, void, undefined> {
  let reached = resumeToken;
  let attempt = 0;
  while (!signal?.aborted) {
    let error: WellApiError;
    try {
      for await (const message of open(reached, signal === undefined ? {} : { signal })) {
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
