/**
 * The ecosystem's own tools, built once into `.tools/go/` from the Go module proxy. `go/<tool>/` beside this file is
 * a module that pins each with all it is made of, by hash. Cold, on one core at low priority: toxiproxy 30 s,
 * kustomize 70 s, istioctl 8 min; so tests build the first two where missing, and only `make mesh-check` the last.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * istioctl: the newest that the module proxy serves is no release, but a state of master on the way to 1.31. The
 * schemas that strict.ts goes by are those of 1.29.2.
 */
const programs = {
  kustomize: "sigs.k8s.io/kustomize/kustomize/v5",
  istioctl: "istio.io/istio/istioctl/cmd/istioctl",
  toxiproxy: "github.com/Shopify/toxiproxy/v2/cmd/server",
} as const;

export type GoTool = keyof typeof programs;

export class GoToolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GoToolError";
  }
}

const built = fileURLToPath(new URL("../.tools/go/", import.meta.url));

/** The program's path; builds it where it is not there yet. Throws GoToolError without Go, or where it doesn't build. */
export function openGoTool(name: GoTool): string {
  const source = fileURLToPath(new URL(`go/${name}/`, import.meta.url));
  const version = createHash("sha256")
    .update(readFileSync(`${source}go.mod`))
    .digest("hex")
    .slice(0, 12);
  const path = `${built}${name}-${version}`;
  if (existsSync(path)) return path;
  if (spawnSync("go", ["version"]).status !== 0) {
    throw new GoToolError(`${name} is built with Go: install it, for example with 'apt-get install golang'`);
  }
  mkdirSync(built, { recursive: true });
  // Complete or not there. Two builds at once do the work twice, and either's result serves.
  const draft = `${path}.${process.pid}`;
  const build = ["build", "-mod=readonly", "-ldflags=-s -w", "-o", draft, programs[name]];
  const run = spawnSync("nice", ["-n", "10", "go", ...build], {
    cwd: source,
    env: { ...process.env, GOWORK: "off" },
    encoding: "utf8",
  });
  if (run.status !== 0) {
    rmSync(draft, { force: true });
    throw new GoToolError(`${name} does not build: ${run.stderr.trim().split("\n").at(-1)}`);
  }
  renameSync(draft, path);
  return path;
}
