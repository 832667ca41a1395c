/** What is kept of each release: its public contracts, and the sources of its client libraries. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../client-contracts.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "releases");

export interface Release {
  readonly version: string;
  /** The public contracts, an image of buf. */
  readonly contracts: string;
  /** What `unpackClients` unpacks. */
  readonly clients: string;
}

/** What the client libraries are made of, beside generated code. */
const clientSources = [
  "sdk/typescript",
  "sdk/python",
  "sdk/java",
  "packages/grpc-client",
  "packages/log-verifier",
  "packages/merkle",
  "packages/receipts",
  "gen/package.json",
  "third_party/google",
];

export function releaseOf(version: string): Release {
  const files = join(folder, version);
  return { version, contracts: join(files, "contracts.binpb"), clients: join(files, "clients.tar.gz") };
}

/** Oldest first. */
export function releases(): readonly Release[] {
  if (!existsSync(folder)) return [];
  const versions = readdirSync(folder).filter((name) => /^\d+\.\d+\.\d+$/.test(name));
  return versions.sort(byVersion).map(releaseOf);
}

/** 1.9.0 before 1.10.0. */
export const { compare: byVersion } = new Intl.Collator("en", { numeric: true });

/** Writes what is kept of the release: of the same checkout the same bytes. */
export function keepRelease(version: string): Release {
  const release = releaseOf(version);
  mkdirSync(dirname(release.contracts), { recursive: true });
  run("buf", ["build", "proto", "--exclude-source-info", "-o", release.contracts], root);
  const tracked = run("git", ["ls-files", "--", ...clientSources], root)
    .split("\n")
    .filter((file) => file !== "");
  const plain = [
    "--sort=name",
    "--mtime=@0",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=a+rX,u+w,go-w",
  ];
  run("tar", [...plain, "-I", "gzip -9n", "-cf", release.clients, ...tracked], root);
  return release;
}

/**
 * The client libraries of the release as a checkout has them, with TypeScript's contracts generated from the release's own image: a
 * folder, made once. Its `node_modules` lead to the release's packages, and to this checkout's for what is of others.
 */
export function unpackClients({ version, contracts, clients }: Release): string {
  const hash = createHash("sha256").update(readFileSync(contracts)).update(readFileSync(clients));
  const unpacked = join(root, ".tools/releases", `${version}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(unpacked)) return unpacked;
  const unfinished = `${unpacked}.${process.pid}`;
  const packages = join(unfinished, "node_modules/@wellapi");
  mkdirSync(packages, { recursive: true });
  run("tar", ["-xzf", clients, "-C", unfinished], root);
  const es = { local: "protoc-gen-es", out: join(unfinished, "gen") };
  const opt = [
    "target=js+dts",
    "import_extension=js",
    "map_imports=buf/validate/:@bufbuild/protovalidate/gen",
  ];
  const third = join(unfinished, "third_party");
  const inputs = [
    { binary_image: contracts },
    { directory: third, paths: [join(third, "google/api"), join(third, "google/rpc")] },
  ];
  run(
    "buf",
    ["generate", "--template", JSON.stringify({ version: "v2", inputs, plugins: [{ ...es, opt }] })],
    root,
  );
  const own = { client: "sdk/typescript", gen: "gen" };
  for (const name of ["grpc-client", "log-verifier", "merkle", "receipts"]) {
    symlinkSync(join("../..", "packages", name), join(packages, name));
  }
  for (const [name, path] of Object.entries(own)) symlinkSync(join("../..", path), join(packages, name));
  // Another process may have made it meanwhile.
  if (!existsSync(unpacked)) renameSync(unfinished, unpacked);
  rmSync(unfinished, { recursive: true, force: true });
  return unpacked;
}
