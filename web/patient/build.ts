/** Makes the patient's pages of their sources: `node web/patient/build.ts`, or `make pages`. Takes about a second. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createAsset, mark, stylesheet } from "@wellapi/ui";
import { replaceFolder, writePageFile } from "@wellapi/ui/built-files";
import { bundlePages } from "@wellapi/ui/bundle";
import { rolldown } from "rolldown";
import { documentOf } from "./document.ts";
import { builtFolder, type SiteIndex } from "./src/site.ts";

const app = fileURLToPath(new URL("app/", import.meta.url));

export function buildSite(folder: URL = builtFolder): Promise<void> {
  return replaceFolder(folder, fill);
}

async function fill(fresh: URL): Promise<void> {
  const { entry, names } = await bundlePages(fresh, {
    name: "me",
    entry: new URL("app/main.tsx", import.meta.url),
    tsconfig: new URL("tsconfig.json", import.meta.url),
    alias: { "node:crypto": `${app}proof/node-crypto.ts` },
    inject: { Buffer: ["buffer/", "Buffer"] },
  });
  const style = createAsset("me", "css", readFileSync(`${app}style.css`));
  const pageFiles = [...names, style.name, stylesheet.name, mark.name].sort();
  const serviceWorker = await bundleServiceWorker(fresh, pageFiles);
  const files = new Map<string, Buffer>([
    ...[...names, serviceWorker].map((name) => [name, readFileSync(new URL(name, fresh))] as const),
    [style.name, style.bytes],
    [stylesheet.name, stylesheet.bytes],
    [mark.name, mark.bytes],
  ]);
  for (const [name, bytes] of files) writePageFile(fresh, name, bytes);
  const parts = { entry, styles: [stylesheet.name, style.name], mark: mark.name };
  const index: SiteIndex = {
    documents: {
      en: documentOf({ ...parts, language: "en" }),
      de: documentOf({ ...parts, language: "de" }),
    },
    assets: [...files.keys()].sort(),
    serviceWorker,
  };
  writeFileSync(new URL("site.json", fresh), JSON.stringify(index));
}

/** One file that loads nothing: not every browser runs modules there. It knows the files of this build, `pageFiles`. */
async function bundleServiceWorker(folder: URL, pageFiles: readonly string[]): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL("service-worker/service-worker.ts", import.meta.url)),
    platform: "browser",
    transform: { target: "es2023", define: { PAGE_FILES: JSON.stringify(pageFiles) } },
  });
  const { output } = await build.write({
    dir: fileURLToPath(folder),
    format: "iife",
    minify: true,
    entryFileNames: "[name]-[hash].js",
  });
  await build.close();
  return output[0].fileName;
}

if (import.meta.main) {
  const start = performance.now();
  await buildSite();
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stderr.write(
    `Built the patient's pages in ${seconds} s (${readdirSync(builtFolder).length} files)\n`,
  );
}
