import { ClientError } from "./errors.ts";

/**
 * The items of a list, page after page. The next page is asked for when the items before it are used up, so a reader that
 * stops early costs no further call.
 *
 * @param read asks for the page of a token; the first token is empty
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
