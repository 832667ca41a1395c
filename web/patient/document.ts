/** The one document of the pages, as it is before its script has begun. */
import { firstDocument } from "@wellapi/ui/first-document";
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

export function documentOf(parts: {
  readonly language: SiteLanguage;
  readonly entry: string;
  readonly styles: readonly string[];
  readonly mark: string;
}): string {
  const { title, waiting, blocked, without, account } = words[parts.language];
  return firstDocument({
    ...parts,
    assets: "/me/assets/",
    meta: `<meta name="wellapi-record" content="${recordPlace}">`,
    title,
    waiting,
    blocked: `<p>${blocked}</p><p>${without} <a href="/account">${account}</a></p>`,
  });
}
