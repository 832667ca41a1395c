/** Built files of pages, as `build.ts` of a site writes them and the gateway reads them. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import { contentTypes } from "./content-types.ts";

/** A file, compressed beforehand. */
export interface PageFile {
  readonly contentType: string;
  /** Brotli (RFC 7932). */
  readonly br: Buffer;
  /** gzip (RFC 1952). */
  readonly gzip: Buffer;
  /** Made of the other at each use: hardly anybody takes neither, and it is most of the memory. */
  readonly plain: Buffer;
}

/** The file `name` of the folder, which `writePageFile` wrote. */
export function readPageFile(folder: URL, name: string): PageFile {
  const read = (suffix: string): Buffer => readFileSync(new URL(`${name}${suffix}`, folder));
  const gzip = read(".gz");
  return {
    contentType: contentTypes[name.slice(name.lastIndexOf(".") + 1) as keyof typeof contentTypes],
    br: read(".br"),
    gzip,
    get plain() {
      return gunzipSync(gzip);
    },
  };
}

/** Writes the compressed forms of the file. `quality`: of Brotli, 1 to 11, where 11 takes twenty times as long as 9. */
export function writePageFile(folder: URL, name: string, bytes: Buffer, quality = 11): void {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(new URL(`${name}.br`, folder), brotliCompressSync(bytes, { params }));
  writeFileSync(new URL(`${name}.gz`, folder), gzipSync(bytes, { level: 9 }));
}

/** What a build wrote beside its files; undefined where nobody has built. */
export function readSiteIndex<Index>(folder: URL): Index | undefined {
  try {
    return JSON.parse(readFileSync(new URL("site.json", folder), "utf8")) as Index;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Fills a folder beside `folder`, which takes its place at the end, so that a server does not read a half of it. */
export async function replaceFolder(folder: URL, fill: (fresh: URL) => Promise<void>): Promise<void> {
  const beside = (state: string) => new URL(`${folder.href.replace(/\/$/, "")}.${state}-${process.pid}/`);
  const [fresh, old] = [beside("fresh"), beside("old")];
  mkdirSync(fresh, { recursive: true });
  try {
    await fill(fresh);
    if (existsSync(folder)) renameSync(folder, old);
    renameSync(fresh, folder);
  } finally {
    for (const left of [fresh, old]) rmSync(left, { recursive: true, force: true });
  }
}
