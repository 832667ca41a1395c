import MiniSearch from "minisearch";
import { searchOptions } from "../app/search-options.ts";
import { textOf } from "./html.ts";
import { hrefOf, type Page } from "./page.ts";

/** Of a long section, letters that are searched. Its heading always is. */
const mostText = 1_500;

/** The index over the sections of all pages, as `app/search.ts` loads it. */
export function searchIndex(pages: readonly Page[]): Buffer {
  const search = new MiniSearch(searchOptions);
  search.addAll(pages.flatMap(sectionsOf).map((section, id) => ({ id, ...section })));
  return Buffer.from(JSON.stringify(search));
}

/** A section begins at a heading that a link can lead to; what comes before the first one is the page itself. */
function sectionsOf({ path, title, body }: Page) {
  return body.split(/(?=<h[123] id="[^"]*">)/).map((part) => {
    const [whole = "", id, heading = title] = /^<h[123] id="([^"]*)">(.*?)<\/h[123]>/s.exec(part) ?? [];
    return {
      page: title,
      heading: textOf(heading),
      href: `${hrefOf(path)}${id === undefined ? "" : `#${id}`}`,
      text: textOf(part.slice(whole.length)).slice(0, mostText),
    };
  });
}
