import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Caller } from "./caller.ts";
import { type PageQuery, type PageTokens, queryDigest } from "./page-tokens.ts";

/** The page that a list request asks for. */
export interface ListPage<P> {
  /** Where it begins: behind this position; undefined at the first page. */
  readonly after: P | undefined;
  /** Most items of the page. */
  readonly limit: number;
  /** `next_page_token` for the position at which this page ended; empty after the last page. */
  token(next: P | undefined): string;
}

/** How a position is written into a token. */
export interface PositionCodec<P> {
  encode(position: P): Uint8Array;
  decode(bytes: Uint8Array): P;
}

/** For a store's cursor. */
export const textPosition: PositionCodec<string> = {
  encode: (position) => Buffer.from(position),
  decode: (bytes) => Buffer.from(bytes).toString(),
};

/** For a position with parts. The token is authenticated, so it decodes to the encoded position. */
export function jsonPosition<P>(): PositionCodec<P> {
  return {
    encode: (position) => Buffer.from(JSON.stringify(position)),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as P,
  };
}

interface ListRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

/**
 * Opens the page token of a list request (AIP-158), which holds for this caller and query alone, and bounds the page: `usual`
 * items where the request names no size, `most` at most. Throws PageTokenError.
 */
export function openListPage<S extends DescMessage, P>(options: {
  readonly tokens: PageTokens;
  readonly caller: Caller;
  /** Full name of the RPC. */
  readonly method: string;
  readonly schema: S;
  readonly request: MessageShape<S> & ListRequest;
  readonly sizes: { readonly usual: number; readonly most: number };
  readonly position: PositionCodec<P>;
}): ListPage<P> {
  const { tokens, caller, method, schema, request, sizes, position } = options;
  // Made where there is a token: the only page of a list has none.
  const query = (): PageQuery => ({ caller, method, digest: queryDigest(schema, request) });
  const { pageSize, pageToken } = request;
  return {
    after: pageToken === "" ? undefined : position.decode(tokens.open(query(), pageToken)),
    limit: pageSize <= 0 ? sizes.usual : Math.min(pageSize, sizes.most),
    token: (next) => (next === undefined ? "" : tokens.seal(query(), position.encode(next))),
  };
}
