import { escaped, textOf } from "./html.ts";
import { assetHref, type Group, hrefOf, type Page } from "./page.ts";

/** Names of files below `/docs/assets/`. */
export interface TemplateParts {
  readonly groups: readonly Group[];
  readonly styles: readonly string[];
  readonly mark: string;
  readonly script: string;
  readonly index: string;
}

/** The whole document. Everything but the search works without its script. */
export function documentOf(page: Page, { groups, styles, mark, script, index }: TemplateParts): string {
  return `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<title>${escaped(page.title)} · WellAPI documentation</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="wellapi-search-index" content="${assetHref(index)}">
${styles.map((name) => `<link rel="stylesheet" href="${assetHref(name)}">`).join("\n")}
<link rel="icon" href="${assetHref(mark)}" type="image/svg+xml">
<script type="module" src="${assetHref(script)}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar wide"><a class="brand" href="/docs/"><img src="${assetHref(mark)}" alt="">WellAPI documentation</a>
<form role="search" id="search" hidden><label class="unseen" for="query">Search the documentation</label><input id="query" type="search" placeholder="Search" autocomplete="off" spellcheck="false"></form></header>
<section class="found wide" id="found" aria-label="What was found" hidden><p role="status"></p><ol></ol></section>
<div class="columns wide">
<nav class="contents" aria-label="Contents">${groups.map((group) => navigation(group, page)).join("\n")}</nav>
<main id="main" class="prose" tabindex="-1">${withSections(page.body)}</main>
</div>
<footer class="foot wide"><p>Served by this installation. <a href="/openapi.yaml">OpenAPI 3.1</a></p></footer>
</body>
</html>
`;
}

function navigation({ title, pages }: Group, current: Page): string {
  const links = pages.map(({ path, title: name }) => {
    const here = path === current.path ? ' aria-current="page"' : "";
    return `<li><a href="${hrefOf(path)}"${here}>${escaped(name)}</a></li>`;
  });
  const open = pages.some(({ path }) => path === current.path) ? " open" : "";
  return `<details${open}><summary>${escaped(title)}</summary><ul>${links.join("")}</ul></details>`;
}

/** Puts the page's own contents after its heading, where it has some. */
function withSections(body: string): string {
  const sections = [...body.matchAll(/<h2 id="([^"]+)">(.*?)<\/h2>/gs)];
  if (sections.length < 4) return body;
  const links = sections.map(
    ([, id, heading]) => `<li><a href="#${id}">${escaped(textOf(heading!))}</a></li>`,
  );
  const list = `<details class="sections"><summary>On this page</summary><ul>${links.join("")}</ul></details>\n`;
  return body.replace("</h1>\n", () => `</h1>\n${list}`);
}
