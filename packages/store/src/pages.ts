import type { Document, Page, Scan, Store } from "./port.ts";

/**
 * The pages of a list; each is read when the caller asks for it. `read` gets the cursor of the page before, and
 * undefined for the first page. A page is a snapshot; several pages are not.
 */
export async function* pages<P extends { readonly cursor?: string | undefined }>(
  read: (cursor: string | undefined) => Promise<P>,
): AsyncGenerator<P, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    cursor = page.cursor;
    yield page;
  } while (cursor !== undefined);
}

/** The pages of a scan. Throws StoreError. */
export function scanPages<D extends Document>(
  store: Pick<Store, "scan">,
  collection: string,
  scan: Omit<Scan, "cursor">,
): AsyncGenerator<Page<D>, void, undefined> {
  return pages((cursor) => store.scan<D>(collection, cursor === undefined ? scan : { ...scan, cursor }));
}
