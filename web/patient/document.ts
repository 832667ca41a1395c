/** The one document of the pages, as it is before its script has begun. */
import { recordPlace, type SiteLanguage } from "./src/site.ts";

const words = {
  en: {
    title: "Your health data",
    waiting: "Loading your data …",
    blocked:
      "This page needs its script, and your browser has not loaded it. If nothing happens within a few seconds, something on the way holds scripts back: an extension, a proxy, or a setting of the browser.",
    without: "Everything important can be done without scripts, too:",
    account: "Go to the plain pages",
  },
  de: {
    title: "Ihre Gesundheitsdaten",
    waiting: "Ihre Daten werden geladen …",
    blocked:
      "Diese Seite braucht ihr Skript, und Ihr Browser hat es nicht geladen. Wenn in einigen Sekunden nichts geschieht, hält etwas unterwegs Skripte zurück: eine Erweiterung, ein Proxy oder eine Einstellung des Browsers.",
    without: "Alles Wichtige geht auch ohne Skripte:",
    account: "Zu den einfachen Seiten",
  },
} as const satisfies Record<SiteLanguage, unknown>;

/**
 * No text in it is from outside, so nothing is escaped. What says that scripts are held back shows after a while by the style
 * alone, and at once where a browser has none.
 */
export function documentOf(parts: {
  readonly language: SiteLanguage;
  readonly entry: string;
  readonly styles: readonly string[];
  readonly mark: string;
}): string {
  const { language, entry, styles, mark } = parts;
  const says = words[language];
  const at = (name: string) => `/me/assets/${name}`;
  const blocked = `<p>${says.blocked}</p><p>${says.without} <a href="/account">${says.account}</a></p>`;
  return `<!doctype html>
<html lang="${language}" dir="ltr">
<head>
<meta charset="utf-8">
<title>${says.title} · WellAPI</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<meta name="wellapi-record" content="${recordPlace}">
<meta name="wellapi-build" content="${entry}">
${styles.map((name) => `<link rel="stylesheet" href="${at(name)}">`).join("\n")}
<link rel="icon" href="${at(mark)}" type="image/svg+xml">
<script type="module" src="${at(entry)}"></script>
</head>
<body>
<div id="app"><main class="stack" id="main"><h1>${says.title}</h1><p role="status">${says.waiting}</p>
<noscript>${blocked}</noscript>
<div class="notice warning held-back">${blocked}</div></main></div>
</body>
</html>
`;
}
