/** Makes the documentation's pages of docs/ and the contracts: `node web/docs/build.ts`, or `make pages`. Takes two seconds. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createAsset, mark, stylesheet } from "@wellapi/ui";
import { replaceFolder, writePageFile } from "@wellapi/ui/built-files";
import { rolldown } from "rolldown";
import { allGroups, missingPage } from "./pages/all.ts";
import { pictures } from "./pages/documents.ts";
import type { Page } from "./pages/page.ts";
import { searchIndex } from "./pages/search-index.ts";
import { documentOf } from "./pages/template.ts";
import { type BuiltPage, builtFolder, type DocsIndex } from "./src/site.ts";

const app = fileURLToPath(new URL("app/", import.meta.url));

/** Of Brotli, for pages: there are two hundred of them. */
const pageQuality = 9;

export function buildDocs(folder: URL = builtFolder): Promise<void> {
  return replaceFolder(folder, fill);
}

async function fill(fresh: URL): Promise<void> {
  const groups = allGroups();
  const pages = groups.flatMap((group) => group.pages);
  const style = createAsset("docs", "css", readFileSync(`${app}style.css`));
  const script = createAsset("search", "js", await bundle());
  const index = createAsset("index", "json", searchIndex(pages));
  const assets = [style, script, stylesheet, mark, ...pictures().values()];
  for (const { name, bytes } of assets) writePageFile(fresh, name, bytes);
  writePageFile(fresh, index.name, index.bytes, pageQuality);
  const parts = {
    groups,
    styles: [stylesheet.name, style.name],
    mark: mark.name,
    script: script.name,
    index: index.name,
  };
  const write = (page: Page): BuiltPage => {
    const bytes = Buffer.from(documentOf(page, parts));
    const name = `page-${page.path.replaceAll("/", "~")}.html`;
    writePageFile(fresh, name, bytes, pageQuality);
    return { name, digest: createHash("sha256").update(bytes).digest("base64url").slice(0, 22) };
  };
  const written: DocsIndex = {
    pages: Object.fromEntries(pages.map((page) => [page.path, write(page)])),
    missing: write(missingPage),
    assets: [...assets, index].map(({ name }) => name),
  };
  writeFileSync(new URL("site.json", fresh), JSON.stringify(written));
}

/** The search, as one script. */
async function bundle(): Promise<Buffer> {
  const build = await rolldown({
    input: `${app}search.ts`,
    platform: "browser",
    tsconfig: fileURLToPath(new URL("tsconfig.json", import.meta.url)),
    transform: { target: "es2023" },
    onLog(level, log) {
      if (level === "warn") throw new Error(`the search cannot be built: ${log.message}`);
    },
  });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  return Buffer.from(output[0].code);
}

if (import.meta.main) {
  const start = performance.now();
  await buildDocs();
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stderr.write(
    `Built the documentation in ${seconds} s (${readdirSync(builtFolder).length} files)\n`,
  );
}
