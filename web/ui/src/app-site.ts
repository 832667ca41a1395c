/** A site that is one script with one document in each language, built before into `web/<name>/dist/`. */
import { type PageFile, readPageFile, readSiteIndex } from "./built-files.ts";

export const appLanguages = ["en", "de"] as const;
export type AppLanguage = (typeof appLanguages)[number];

/** The built pages. */
export interface AppSite {
  /** The document by language. */
  readonly documents: ReadonlyMap<AppLanguage, string>;
  /** What documents load, by name; each name holds a digest of its content, so it may be kept for ever. */
  readonly assets: ReadonlyMap<string, PageFile>;
}

/** What the site's `build.ts` writes beside the files. */
export interface AppSiteIndex {
  readonly documents: Readonly<Record<AppLanguage, string>>;
  readonly assets: readonly string[];
}

/** Where the build of the site in `web/<name>` puts its files. */
export function builtFolderOf(name: string): URL {
  return new URL(`../../${name}/dist/`, import.meta.url);
}

/** Reads the built pages into memory; undefined where nobody has built them. */
export function readAppSite(name: string): AppSite | undefined {
  const folder = builtFolderOf(name);
  const index = readSiteIndex<AppSiteIndex>(folder);
  if (index === undefined) return undefined;
  return {
    documents: new Map(appLanguages.map((language) => [language, index.documents[language]])),
    assets: new Map(index.assets.map((file) => [file, readPageFile(folder, file)])),
  };
}
