/** The one document of the pages, as it is before its script has begun. */
import type { AppLanguage } from "@wellapi/ui/app-site";
import { firstDocument } from "@wellapi/ui/first-document";

const words = {
  en: {
    title: "For developers",
    waiting: "Loading …",
    blocked:
      "This page needs its script, and your browser has not loaded it. If nothing happens within a few seconds, something on the way holds scripts back: an extension, a proxy, or a setting of the browser.",
    without: "Everything can be done by the command line, too:",
    docs: "Read the documentation",
  },
  de: {
    title: "Für Entwickler",
    waiting: "Wird geladen …",
    blocked:
      "Diese Seite braucht ihr Skript, und Ihr Browser hat es nicht geladen. Wenn in einigen Sekunden nichts geschieht, hält etwas unterwegs Skripte zurück: eine Erweiterung, ein Proxy oder eine Einstellung des Browsers.",
    without: "Alles geht auch mit der Kommandozeile:",
    docs: "Zur Dokumentation (englisch)",
  },
} as const satisfies Record<AppLanguage, unknown>;

export function documentOf(parts: {
  readonly language: AppLanguage;
  readonly entry: string;
  readonly styles: readonly string[];
  readonly mark: string;
}): string {
  const { title, waiting, blocked, without, docs } = words[parts.language];
  return firstDocument({
    ...parts,
    assets: "/developers/assets/",
    title,
    waiting,
    blocked: `<p>${blocked}</p><p>${without} <a href="/docs/">${docs}</a></p>`,
  });
}
