import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { type Caller, type PageTokens, queryDigest } from "@wellapi/rpc";

/** Which page of a list the store is asked for. */
export interface PageRequest {
  readonly size: number;
  /** The store's own. */
  readonly cursor?: string;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  /** Where the next page starts; absent at the end. */
  readonly cursor?: string;
}

type ListRequest = Message & { readonly pageSize: number; readonly pageToken: string };

const DEFAULT_SIZE = 50;
const MAX_SIZE = 1000;

/** The page that a caller asks for, and the token of the next one. Throws PageTokenError. */
export function openPage(tokens: PageTokens, caller: Caller, method: DescMethodUnary, request: ListRequest) {
  const query = {
    caller,
    method: `${method.parent.typeName}/${method.name}`,
    digest: queryDigest(method.input, request),
  };
  const { pageSize, pageToken } = request;
  const size = pageSize <= 0 ? DEFAULT_SIZE : Math.min(pageSize, MAX_SIZE);
  const cursor = pageToken === "" ? undefined : Buffer.from(tokens.open(query, pageToken)).toString();
  return {
    request: (cursor === undefined ? { size } : { size, cursor }) satisfies PageRequest as PageRequest,
    nextPageToken: (next: string | undefined) =>
      next === undefined ? "" : tokens.seal(query, Buffer.from(next)),
  };
}
