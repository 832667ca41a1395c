/** Every place that says the version of the program, and of the client libraries, which have the same. */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);

/** Of a file: what stands before the version, and after it. Each occurrence counts; one at least is needed. */
const places: readonly { readonly file: string; readonly before: string; readonly after: string }[] = [
  { file: "packages/runtime/src/version.ts", before: 'version = "', after: '"' },
  { file: "sdk/python/pyproject.toml", before: '\nversion = "', after: '"' },
  { file: "sdk/python/README.md", before: "dist/wellapi-", after: "-py3" },
  { file: "sdk/java/pom.xml", before: "<artifactId>wellapi</artifactId>\n  <version>", after: "</version>" },
  { file: "sdk/java/README.md", before: "<artifactId>wellapi</artifactId><version>", after: "</version>" },
  { file: "docs/guide-languages.md", before: "dist/wellapi-", after: "-py3" },
  {
    file: "docs/guide-languages.md",
    before: "<artifactId>wellapi</artifactId><version>",
    after: "</version>",
  },
  { file: "deploy/README.md", before: "registry.example/wellapi:", after: " " },
  { file: "deploy/kubernetes/overlays/production/kustomization.yaml", before: "newTag: ", after: "\n" },
  {
    file: "deploy/kubernetes/overlays/production/kustomization.yaml",
    before: "app.kubernetes.io/version: ",
    after: " ",
  },
];

/** Of npm's packages the repository itself and the client library have the version; the others are never published. */
const clientPackage = "@wellapi/client";

interface PackageJson {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** The version of this checkout. */
export function currentVersion(): string {
  const [place] = places;
  return versionsAt(place!)[0]!;
}

/** Where another version stands, a line each. */
export function otherVersions(version: string): readonly string[] {
  const found = places.flatMap((place) => versionsAt(place).map((one) => [place.file, one] as const));
  for (const file of packageFiles()) {
    found.push(...packageVersions(readJson(file)).map((one) => [file, one] as const));
  }
  return found.filter(([, one]) => one !== version).map(([file, one]) => `${file}: ${one}`);
}

/** Writes the version at every place. */
export function writeVersion(version: string): void {
  for (const { file, before, after } of places) {
    const text = read(file);
    const pattern = new RegExp(`(?<=${RegExp.escape(before)})\\d[\\w.-]*(?=${RegExp.escape(after)})`, "g");
    writeFileSync(new URL(file, root), text.replaceAll(pattern, version));
  }
  for (const file of packageFiles()) {
    const json = readJson(file);
    setPackageVersion(json, version);
    writeFileSync(new URL(file, root), `${JSON.stringify(json, null, 2)}\n`);
  }
  const lock = readJson("package-lock.json") as PackageJson & { packages: Record<string, PackageJson> };
  lock.version = version;
  for (const one of Object.values(lock.packages)) setPackageVersion(one, version);
  writeFileSync(new URL("package-lock.json", root), `${JSON.stringify(lock, null, 2)}\n`);
}

function versionsAt({ file, before, after }: (typeof places)[number]): readonly string[] {
  const pattern = new RegExp(`${RegExp.escape(before)}(\\d[\\w.-]*?)${RegExp.escape(after)}`, "g");
  const found = [...read(file).matchAll(pattern)].map(([, version]) => version!);
  if (found.length === 0)
    throw new Error(`${file} no longer says the version after ${JSON.stringify(before)}`);
  return found;
}

/** The package.json of each workspace, and the root's. */
function packageFiles(): readonly string[] {
  const { workspaces } = readJson("package.json") as { workspaces: readonly string[] };
  const folders = workspaces.flatMap((pattern) =>
    globSync(`${pattern}/package.json`, { cwd: fileURLToPath(root) }),
  );
  return ["package.json", ...folders.filter((file) => !file.includes("node_modules"))].sort();
}

function packageVersions({ name, version, dependencies, devDependencies }: PackageJson): readonly string[] {
  const own = name === "wellapi" || name === clientPackage ? [version] : [];
  return [...own, dependencies?.[clientPackage], devDependencies?.[clientPackage]].filter(
    (one) => one !== undefined,
  );
}

function setPackageVersion(json: PackageJson, version: string): void {
  if (json.name === "wellapi" || json.name === clientPackage) json.version = version;
  for (const dependencies of [json.dependencies, json.devDependencies]) {
    if (dependencies?.[clientPackage] !== undefined) dependencies[clientPackage] = version;
  }
}

function read(file: string): string {
  return readFileSync(new URL(file, root), "utf8");
}

function readJson(file: string): PackageJson {
  return JSON.parse(read(file)) as PackageJson;
}
