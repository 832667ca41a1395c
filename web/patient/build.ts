/** Makes the patient's pages of their sources: `node web/patient/build.ts`, or `make pages`. Takes about a second. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createAsset, mark, stylesheet } from "@wellapi/ui";
import { replaceFolder, writePageFile } from "@wellapi/ui/built-files";
import { rolldown } from "rolldown";
import { documentOf } from "./document.ts";
import { builtFolder, type SiteIndex } from "./src/site.ts";

const app = fileURLToPath(new URL("app/", import.meta.url));

export function buildSite(folder: URL = builtFolder): Promise<void> {
  return replaceFolder(folder, fill);
}

async function fill(fresh: URL): Promise<void> {
  const { entry, names } = await bundle(fresh);
  const serviceWorker = await bundleServiceWorker(fresh);
  const style = createAsset("me", "css", readFileSync(`${app}style.css`));
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

/** The scripts: an entry, and a part for each page that is loaded when it is opened. */
async function bundle(folder: URL): Promise<{ readonly entry: string; readonly names: readonly string[] }> {
  const build = await rolldown({
    input: { me: `${app}main.tsx` },
    platform: "browser",
    tsconfig: fileURLToPath(new URL("tsconfig.json", import.meta.url)),
    resolve: { alias: { "node:crypto": `${app}proof/node-crypto.ts` } },
    transform: {
      target: "es2023",
      inject: { Buffer: ["buffer/", "Buffer"] },
    },
    onLog(level, log) {
      if (level === "warn") throw new Error(`the pages cannot be built: ${log.message}`);
    },
  });
  const { output } = await build.write({
    dir: fileURLToPath(folder),
    format: "esm",
    minify: true,
    entryFileNames: "[name]-[hash].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await build.close();
  const entry = output.find((one) => one.type === "chunk" && one.isEntry);
  if (entry === undefined) throw new Error("the pages have no entry");
  return { entry: entry.fileName, names: output.map(({ fileName }) => fileName) };
}

/** One file that loads nothing: not every browser runs modules there. */
async function bundleServiceWorker(folder: URL): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL("service-worker/service-worker.ts", import.meta.url)),
    platform: "browser",
    transform: { target: "es2023" },
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
