import { type PageFile, readPageFile, readSiteIndex } from "@wellapi/ui/built-files";

/** A page as it is served. */
export interface DocsPage {
  readonly file: PageFile;
  /** Strong, of the bytes before they are compressed (RFC 9110, 8.8.3), without quotes. */
  readonly digest: string;
}

/** The built documentation. */
export interface Docs {
  /** By path below `/docs/`; the first page's is empty. */
  readonly pages: ReadonlyMap<string, DocsPage>;
  /** For every other path. */
  readonly missing: DocsPage;
  /** What pages load, by name; each name holds a digest of its content, so it may be kept for ever. */
  readonly assets: ReadonlyMap<string, PageFile>;
}

/** What `build.ts` writes beside the files. */
export interface DocsIndex {
  readonly pages: Readonly<Record<string, BuiltPage>>;
  readonly missing: BuiltPage;
  readonly assets: readonly string[];
}

export interface BuiltPage {
  readonly name: string;
  readonly digest: string;
}

/** Where `build.ts` puts them. */
export const builtFolder = new URL("../dist/", import.meta.url);

/** Reads the built documentation into memory, two MB; undefined where nobody has built it. */
export function readDocs(folder: URL = builtFolder): Docs | undefined {
  const index = readSiteIndex<DocsIndex>(folder);
  if (index === undefined) return undefined;
  const page = ({ name, digest }: BuiltPage): DocsPage => ({ file: readPageFile(folder, name), digest });
  return {
    pages: new Map(Object.entries(index.pages).map(([path, built]) => [path, page(built)])),
    missing: page(index.missing),
    assets: new Map(index.assets.map((name) => [name, readPageFile(folder, name)])),
  };
}
