import { type Asset, mark, pagesScript, stylesheet } from "@wellapi/ui";
import { type Html, html } from "./html.ts";
import { languages, ownNames } from "./language.ts";
import type { Entry } from "./navigation.ts";
import type { RecordOption } from "./record/reader.ts";
import { actingBanner } from "./record/record-parts.ts";
import { pathIn, type View } from "./view.ts";

export interface Page {
  /** Of the document, and its first heading unless the body has its own. */
  readonly title: string;
  readonly body: Html;
  /** Whether the reader is signed in, so that they can sign out. */
  readonly signedIn?: boolean;
  /** Where the browser goes on by itself, at once. */
  readonly goesTo?: string;
  /** Whose record it is about. */
  readonly record?: RecordOption | undefined;
  /** The pages that belong together with this one, it included, and what they are about. */
  readonly beside?: { readonly label: string; readonly entries: readonly Entry[] };
}

export const htmlType = "text/html; charset=utf-8";

export function urlOfAsset({ name }: Asset): string {
  return `/assets/${name}`;
}

/** A whole document. */
export function documentOf(view: View, page: Page): string {
  const { language, words } = view;
  const { title, body, signedIn, goesTo, record, beside } = page;
  const document = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<title>${title} · WellAPI</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${goesTo !== undefined && html`<meta http-equiv="refresh" content="${`0; url=${goesTo}`}">`}
<link rel="stylesheet" href="${urlOfAsset(stylesheet)}">
<link rel="icon" href="${urlOfAsset(mark)}" type="image/svg+xml">
<script type="module" src="${urlOfAsset(pagesScript)}"></script>
</head>
<body>
<a class="skip" href="#main">${words.common.skip}</a>
<header class="bar">
<a class="brand" href="/account"><img src="${urlOfAsset(mark)}" alt="" width="28" height="28">WellAPI</a>
${signedIn === true && signedInMenu(view)}
</header>
${record && actingBanner(view, record)}
${beside && besideMenu(view, beside)}
<main id="main" class="stack" tabindex="-1">
${body}
</main>
<footer class="foot">
<nav aria-label="${words.common.language}"><ul>
${languages.map((one) =>
  one === language
    ? html`<li><span lang="${one}" aria-current="true">${ownNames[one]}</span></li>`
    : html`<li><a href="${pathIn(view.path, one)}" lang="${one}" hreflang="${one}">${ownNames[one]}</a></li>`,
)}
</ul></nav>
</footer>
</body>
</html>
`;
  return document.toString();
}

function signedInMenu({ words, path }: View): Html {
  const link = (own: string, label: string) =>
    html`<li><a href="${own}"${path === own && html` aria-current="page"`}>${label}</a></li>`;
  return html`<nav aria-label="${words.common.menu}"><ul>
${link("/account", words.overview.title)}
${link("/account/security", words.overview.security)}
<li><form method="post" action="/account/sign-out"><button class="link">${words.common.signOut}</button></form></li>
</ul></nav>`;
}

function besideMenu({ words, path }: View, { label, entries }: NonNullable<Page["beside"]>): Html {
  const [here = ""] = path.split("?", 1);
  return html`<nav class="tabs" aria-label="${label}"><ul>${entries.map((entry) => {
    const current = here === entry.path || here.startsWith(`${entry.path}/`);
    return html`<li><a href="${entry.path}"${current && html` aria-current="${here === entry.path ? "page" : "true"}"`}>${entry.label(words)}</a></li>`;
  })}</ul></nav>`;
}
