/** The pages that are Markdown in docs/. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { type Asset, createAsset } from "@wellapi/ui";
import { chapters, decisionsFolder, pathOfFile } from "./contents.ts";
import { textOf } from "./html.ts";
import { createMarkdown, type Markdown } from "./markdown.ts";
import { assetHref, type Group, hrefOf, type Page } from "./page.ts";

export const docsFolder = new URL("../../../docs/", import.meta.url);

/** All of them. Throws where a page links to one that is not there. */
export function documentGroups(folder: URL = docsFolder): readonly Group[] {
  const decisions = filesOf(decisionsFolder, folder);
  const files = new Set([...chapters.flatMap((chapter) => chapter.files), ...decisions]);
  const shown = pictures(folder);
  const page = (file: string): Page => documentPage(file, markdownOf(file, files, shown), folder);
  return [
    ...chapters.map(({ title, files: own }) => ({ title, pages: own.map(page) })),
    { title: "Decisions", pages: decisions.map(page) },
  ];
}

/** The pictures of the pages, by their place in docs/. */
export function pictures(folder: URL = docsFolder): ReadonlyMap<string, Asset> {
  const places = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((place) =>
    place.endsWith(".jpg"),
  );
  return new Map(
    places
      .sort()
      .map((place) => [
        place,
        createAsset(basename(place, ".jpg"), "jpg", readFileSync(new URL(place, folder))),
      ]),
  );
}

/** The Markdown files below the folder of docs/, without `.md`, sorted. */
export function filesOf(below: string, folder: URL = docsFolder): readonly string[] {
  return readdirSync(new URL(`${below}/`, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${below}/${name.slice(0, -".md".length)}`)
    .sort();
}

function documentPage(file: string, markdown: Markdown, folder: URL): Page {
  const body = markdown.render(readFileSync(new URL(`${file}.md`, folder), "utf8"));
  const heading = /<h1[^>]*>(.*?)<\/h1>/s.exec(body);
  if (heading === null) throw new Error(`docs/${file}.md has no heading of the first level`);
  return { path: pathOfFile(file), title: textOf(heading[1]!), body };
}

function markdownOf(file: string, files: ReadonlySet<string>, shown: ReadonlyMap<string, Asset>): Markdown {
  const at = (href: string) => new URL(href, `file:///docs/${file}.md`);
  return createMarkdown({
    picture(href) {
      const asset = shown.get(at(href).pathname.slice("/docs/".length));
      if (asset === undefined) throw new Error(`docs/${file}.md shows ${href}, which is not there`);
      return assetHref(asset.name);
    },
    target(href) {
      if (/^(?:https?:|mailto:|#|\/)/.test(href)) return href;
      const { pathname, hash } = at(href);
      if (pathname === "/docs/decisions/") return hrefOf(filesOf(decisionsFolder)[0]!);
      // Of the repository: whoever reads here may not have it.
      if (!pathname.startsWith("/docs/")) return undefined;
      const to = pathname.slice("/docs/".length).replace(/\.md$/, "");
      if (!files.has(to)) throw new Error(`docs/${file}.md links to ${href}, which is no page`);
      return `${hrefOf(pathOfFile(to))}${hash}`;
    },
  });
}
