import { type PageFile, readPageFile, readSiteIndex } from "@wellapi/ui/built-files";

export const siteLanguages = ["en", "de"] as const;
export type SiteLanguage = (typeof siteLanguages)[number];

/** Where the document names the patient's record that the reader has chosen. */
export const recordPlace = "{{record}}";

/** The built pages. */
export interface Site {
  /** The document by language, a template (`documentFor`). */
  readonly documents: ReadonlyMap<SiteLanguage, string>;
  /** What documents load, by name; each name holds a digest of its content, so it may be kept for ever. */
  readonly assets: ReadonlyMap<string, PageFile>;
  /** Name of the service worker among them. */
  readonly serviceWorker: string;
}

/** What `build.ts` writes beside the files. */
export interface SiteIndex {
  readonly documents: Readonly<Record<SiteLanguage, string>>;
  readonly assets: readonly string[];
  readonly serviceWorker: string;
}

/** `record`: the id of the record that the reader has chosen; empty where they have chosen none. */
export function documentFor(site: Site, language: SiteLanguage, record: string): string {
  return site.documents.get(language)!.replace(recordPlace, /^pat_[\w-]{1,64}$/.test(record) ? record : "");
}

/** Where `build.ts` puts them. */
export const builtFolder = new URL("../dist/", import.meta.url);

/** Reads the built pages into memory, a few hundred KB; undefined where nobody has built them. */
export function readSite(folder: URL = builtFolder): Site | undefined {
  const index = readSiteIndex<SiteIndex>(folder);
  if (index === undefined) return undefined;
  return {
    documents: new Map(siteLanguages.map((language) => [language, index.documents[language]])),
    assets: new Map(index.assets.map((name) => [name, readPageFile(folder, name)])),
    serviceWorker: index.serviceWorker,
  };
}
