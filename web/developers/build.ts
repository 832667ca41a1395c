/** Makes the developers' pages of their sources: `node web/developers/build.ts`, or `make pages`. Takes about a second. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createAsset, mark, stylesheet } from "@wellapi/ui";
import { type AppSiteIndex, builtFolderOf } from "@wellapi/ui/app-site";
import { replaceFolder, writePageFile } from "@wellapi/ui/built-files";
import { bundlePages } from "@wellapi/ui/bundle";
import { documentOf } from "./document.ts";

const builtFolder = builtFolderOf("developers");

export function buildSite(folder: URL = builtFolder): Promise<void> {
  return replaceFolder(folder, fill);
}

async function fill(fresh: URL): Promise<void> {
  const { entry, names } = await bundlePages(fresh, {
    name: "developers",
    entry: new URL("app/main.tsx", import.meta.url),
    tsconfig: new URL("tsconfig.json", import.meta.url),
  });
  const style = createAsset("developers", "css", readFileSync(new URL("app/style.css", import.meta.url)));
  const files = new Map<string, Buffer>([
    ...names.map((name) => [name, readFileSync(new URL(name, fresh))] as const),
    [style.name, style.bytes],
    [stylesheet.name, stylesheet.bytes],
    [mark.name, mark.bytes],
  ]);
  for (const [name, bytes] of files) writePageFile(fresh, name, bytes);
  const parts = { entry, styles: [stylesheet.name, style.name], mark: mark.name };
  const index: AppSiteIndex = {
    documents: {
      en: documentOf({ ...parts, language: "en" }),
      de: documentOf({ ...parts, language: "de" }),
    },
    assets: [...files.keys()].sort(),
  };
  writeFileSync(new URL("site.json", fresh), JSON.stringify(index));
}

if (import.meta.main) {
  const start = performance.now();
  await buildSite();
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stderr.write(
    `Built the developers' pages in ${seconds} s (${readdirSync(builtFolder).length} files)\n`,
  );
}
