/** Bundles the scripts of pages. What is bundled runs in a browser alone, so the bundler is an optional dependency. */
import { fileURLToPath } from "node:url";
import { type InputOptions, rolldown } from "rolldown";

/** What a bundle is made of. */
export interface BundleParts {
  /** The name that the entry's file begins with. */
  readonly name: string;
  readonly entry: URL;
  readonly tsconfig: URL;
  readonly alias?: Readonly<Record<string, string>>;
  readonly inject?: NonNullable<InputOptions["transform"]>["inject"];
}

/** Writes an entry, and a part for each page that is loaded when it is opened, into the folder. Returns their names. */
export async function bundlePages(
  folder: URL,
  { name, entry, tsconfig, alias = {}, inject = {} }: BundleParts,
): Promise<{ readonly entry: string; readonly names: readonly string[] }> {
  const build = await rolldown({
    input: { [name]: fileURLToPath(entry) },
    platform: "browser",
    tsconfig: fileURLToPath(tsconfig),
    resolve: { alias: { ...alias } },
    transform: { target: "es2023", inject },
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
  const first = output.find((one) => one.type === "chunk" && one.isEntry);
  if (first === undefined) throw new Error("the pages have no entry");
  return { entry: first.fileName, names: output.map(({ fileName }) => fileName) };
}
