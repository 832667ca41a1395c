import type { Found } from "../gate/reading.ts";

/** All pages of a read, one after another, as its caller would ask for them. Nothing of it leaves by itself, so no entry is its own. */
export async function* foundPages<P extends { readonly next: N | undefined }, N>(
  find: (position: N | undefined) => Promise<Found<P>>,
): AsyncGenerator<P> {
  let position: N | undefined;
  do {
    const page = (await find(position)).answer("");
    yield page;
    position = page.next;
  } while (position !== undefined);
}
