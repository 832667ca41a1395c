import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  LoggedRequest,
  RequestFilterSchema,
} from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { problemOf } from "@wellapi/ui/browser/problem";
import type { Connection } from "./connection.ts";

export type RequestFilter = MessageInitShape<typeof RequestFilterSchema>;

const pauseMs = 2_000;

/**
 * Gives `onMore` the requests behind this one as they end, the oldest first, until the signal aborts; connects again where it was cut.
 * Throws what asking again does not mend.
 */
export async function tailRequests(
  { requests }: Pick<Connection, "requests">,
  options: {
    readonly filter: RequestFilter;
    readonly resumeToken: string;
    readonly signal: AbortSignal;
    readonly onMore: (more: readonly LoggedRequest[]) => void;
  },
): Promise<void> {
  const { filter, signal, onMore } = options;
  let { resumeToken } = options;
  while (!signal.aborted) {
    try {
      // A watch has no deadline.
      for await (const answer of requests.watchRequests({ filter, resumeToken }, { signal, timeoutMs: 0 })) {
        resumeToken = answer.resumeToken;
        if (answer.requests.length > 0) onMore(answer.requests);
      }
    } catch (error) {
      if (signal.aborted) return;
      const problem = problemOf(error);
      if (problem !== "unreachable" && problem !== "busy") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
