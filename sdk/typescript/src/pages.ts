import { ClientError } from "./errors.ts";

/**
 * The items of a list, page by page. It requests the next page after the reader has taken all earlier items: a reader
 * that stops early causes no further call.
 *
 * @param read requests the page of a token; the first token is empty
 */
export async function* paginate<P extends { readonly nextPageToken: string }, T>(
  read: (pageToken: string) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
): AsyncGenerator<T, void, undefined> {
  let pageToken = "";
  do {
    const page = await read(pageToken);
    yield* itemsOf(page);
    if (page.nextPageToken !== "" && page.nextPageToken === pageToken) {
      throw new ClientError("cut", "the server names the same page twice: the list is not whole");
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
