import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import {
  type WatchSeriesRequest,
  WatchSeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { type PageQuery, type PageTokens, queryDigest } from "@wellapi/rpc";
import type { Intent } from "../gate/intent.ts";

/** How many a page has: the usual number where none was asked for, never more than the most. */
export function pageSize(
  asked: number,
  { usual, most }: { readonly usual: number; readonly most: number },
): number {
  return asked === 0 ? usual : Math.min(asked, most);
}

/** Positions as page tokens that hold for this caller and query alone. Throws PageTokenError. */
export function pagesOf<S extends DescMessage, P>(
  pageTokens: PageTokens,
  intent: Intent,
  schema: S,
  request: MessageShape<S> & { readonly pageToken: string },
) {
  const query: PageQuery = {
    caller: intent.caller,
    method: intent.method,
    digest: queryDigest(schema, request),
  };
  const open = (token: string) => JSON.parse(Buffer.from(pageTokens.open(query, token)).toString()) as P;
  return {
    position: request.pageToken === "" ? undefined : open(request.pageToken),
    token: (next: P | undefined) =>
      next === undefined ? "" : pageTokens.seal(query, Buffer.from(JSON.stringify(next))),
  };
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
