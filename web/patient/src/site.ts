import { readFileSync } from "node:fs";

/** A file of the built pages, compressed beforehand. */
export interface PageFile {
  readonly contentType: string;
  /** Brotli (RFC 7932). */
  readonly br: Buffer;
  /** gzip (RFC 1952). */
  readonly gzip: Buffer;
  readonly plain: Buffer;
}

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

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Where `build.ts` puts them. */
export const builtFolder = new URL("../dist/", import.meta.url);

/** Reads the built pages into memory, a few hundred KB; undefined where nobody has built them. */
export function readSite(folder: URL = builtFolder): Site | undefined {
  const index = readIndex(folder);
  if (index === undefined) return undefined;
  return {
    documents: new Map(siteLanguages.map((language) => [language, index.documents[language]])),
    assets: new Map(index.assets.map((name) => [name, readFile(folder, name)])),
    serviceWorker: index.serviceWorker,
  };
}

function readIndex(folder: URL): SiteIndex | undefined {
  try {
    return JSON.parse(readFileSync(new URL("site.json", folder), "utf8")) as SiteIndex;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readFile(folder: URL, name: string): PageFile {
  const read = (suffix: string): Buffer => readFileSync(new URL(`${name}${suffix}`, folder));
  return {
    contentType: types[name.slice(name.lastIndexOf(".") + 1)]!,
    br: read(".br"),
    gzip: read(".gz"),
    plain: read(""),
  };
}
