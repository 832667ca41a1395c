import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import {
  type WatchSeriesRequest,
  WatchSeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import {
  jsonPosition,
  type ListPage,
  openListPage,
  type PageQuery,
  type PageTokens,
  queryDigest,
} from "@wellapi/rpc";
import type { Intent } from "../gate/intent.ts";

/** The requested page of a list, by a position with parts. Throws PageTokenError. */
export function pageOf<S extends DescMessage, P>(
  tokens: PageTokens,
  { caller, method }: Intent,
  schema: S,
  request: MessageShape<S> & { readonly pageSize: number; readonly pageToken: string },
  sizes: { readonly usual: number; readonly most: number },
): ListPage<P> {
  return openListPage({ tokens, caller, method, schema, request, sizes, position: jsonPosition<P>() });
}

const POSITION_BYTES = 8;

/** Commit sequences as tokens that hold for this caller and watch alone, all of one length. Throws PageTokenError. */
export function resumptionOf(pageTokens: PageTokens, intent: Intent, request: WatchSeriesRequest) {
  const query: PageQuery = {
    caller: intent.caller,
    method: intent.method,
    digest: queryDigest(WatchSeriesRequestSchema, request),
    field: "resume_token",
  };
  const { resumeToken } = request;
  return {
    after: resumeToken === "" ? undefined : Buffer.from(pageTokens.open(query, resumeToken)).readDoubleBE(),
    token(sequence: number): string {
      const position = Buffer.alloc(POSITION_BYTES);
      position.writeDoubleBE(sequence);
      return pageTokens.seal(query, position);
    },
  };
}
