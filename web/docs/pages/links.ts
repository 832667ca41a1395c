import { hrefOf, type Page } from "./page.ts";

/** Links within the documentation that lead nowhere: `<page>: <link>`. */
export function brokenLinks(pages: readonly Page[]): readonly string[] {
  const places = new Map(
    pages.map(({ path, body }) => [
      hrefOf(path),
      new Set([...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)),
    ]),
  );
  return pages.flatMap(({ path, body }) =>
    [...body.matchAll(/ href="((?:#|\/docs\/)[^"]*)"/g)]
      .map(([, href]) => href!)
      .filter((href) => {
        const [page, place] = href.split("#") as [string, string?];
        const ids = places.get(page === "" ? hrefOf(path) : page);
        return ids === undefined || (place !== undefined && !ids.has(decodeURIComponent(place)));
      })
      .map((href) => `${hrefOf(path)}: ${href}`),
  );
}
