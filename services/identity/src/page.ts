import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { type Caller, openListPage, type PageTokens, textPosition } from "@wellapi/rpc";
import type { Document, Scan, Store } from "@wellapi/store";

/** The page of a list that the store is asked for. */
export interface PageRequest {
  readonly size: number;
  /** The store's cursor. */
  readonly cursor?: string;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  /** Where the next page starts; absent at the end. */
  readonly cursor?: string;
}

/** The page of a scan. `opened`: undefined where a document is not shown, as when its patient is erased; the page is shorter then. */
export async function openedPage<D extends Document, T>(
  store: Store,
  collection: string,
  scan: Omit<Scan, "limit" | "cursor">,
  { size, cursor: from }: PageRequest,
  opened: (document: D) => T | undefined | Promise<T | undefined>,
): Promise<ListPage<T>> {
  const { documents, cursor } = await store.scan<D>(collection, {
    ...scan,
    limit: size,
    ...(from === undefined ? {} : { cursor: from }),
  });
  const shown = await Promise.all(documents.map(({ document }) => opened(document)));
  const items = shown.filter((one) => one !== undefined);
  return cursor === undefined ? { items } : { items, cursor };
}

type ListRequest = Message & { readonly pageSize: number; readonly pageToken: string };

/** The page that a caller asks for, and the token of the next one. Throws PageTokenError. */
export function openPage(tokens: PageTokens, caller: Caller, method: DescMethodUnary, request: ListRequest) {
  const { after, limit, token } = openListPage({
    tokens,
    caller,
    method: `${method.parent.typeName}/${method.name}`,
    schema: method.input,
    request,
    sizes: { usual: 50, most: 1_000 },
    position: textPosition,
  });
  const page: PageRequest = { size: limit, ...(after === undefined ? {} : { cursor: after }) };
  return { request: page, nextPageToken: token };
}
