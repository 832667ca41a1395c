/**
 * The ecosystem's own tools, built once into `.tools/go/` from the Go module proxy. `go/<tool>/` beside this file is
 * a module that pins each with all it is made of, by hash. Cold, on one core at low priority: toxiproxy 30 s,
 * kustomize 70 s, istioctl 8 min; so tests build the first two where missing, `make mesh-lab` istiod and pilot-agent,
 * and only `make mesh-check` istioctl. `node scripts/go-tools.ts istiod pilot-agent` builds ahead.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * istioctl: the newest that the module proxy serves is no release, but a state of master on the way to 1.31. The
 * schemas that strict.ts goes by are those of 1.29.2.
 */
const programs = {
  kustomize: { module: "kustomize", main: "sigs.k8s.io/kustomize/kustomize/v5" },
  istioctl: { module: "istioctl", main: "istio.io/istio/istioctl/cmd/istioctl" },
  toxiproxy: { module: "toxiproxy", main: "github.com/Shopify/toxiproxy/v2/cmd/server" },
  gitleaks: { module: "gitleaks", main: "github.com/zricethezav/gitleaks/v8" },
  /** Istio's control plane beside a Kubernetes in memory: the one main program that is our own. */
  istiod: { module: "istiod", main: "." },
  "pilot-agent": { module: "istiod", main: "istio.io/istio/pilot/cmd/pilot-agent" },
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
  const { module, main } = programs[name];
  const path = `${built}${name}-${versionOf(module)}`;
  if (existsSync(path)) return path;
  whole(path, (draft) => {
    const build = ["build", "-mod=readonly", "-ldflags=-s -w", "-o", draft, main];
    run(module, name, "nice", ["-n", "10", "go", ...build]);
  });
  return path;
}

/** A copy of a file of Istio's that istiod's module pins: what the injector's images bring besides programs. */
export function openIstioFile(path: string): string {
  const copy = `${built}${path.replaceAll("/", "-")}-${versionOf("istiod")}`;
  if (existsSync(copy)) return copy;
  whole(copy, (draft) => {
    const folder = run("istiod", path, "go", [
      "list",
      "-mod=readonly",
      "-m",
      "-f",
      "{{.Dir}}",
      "istio.io/istio",
    ]);
    copyFileSync(`${folder.trim()}/${path}`, draft);
  });
  return copy;
}

function sourceOf(module: string): string {
  return fileURLToPath(new URL(`go/${module}/`, import.meta.url));
}

/** By what a build is made of: the pinned modules, and the program where it is our own. */
function versionOf(module: string): string {
  const source = sourceOf(module);
  const hash = createHash("sha256").update(readFileSync(`${source}go.mod`));
  for (const file of readdirSync(source).filter((one) => one.endsWith(".go"))) {
    hash.update(readFileSync(source + file));
  }
  return hash.digest("hex").slice(0, 12);
}

/** Complete or not there. Two builds at once do the work twice, and either's result serves. */
function whole(path: string, make: (draft: string) => void): void {
  mkdirSync(built, { recursive: true });
  const draft = `${path}.${process.pid}`;
  try {
    make(draft);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What the command writes to its standard output. */
function run(module: string, what: string, command: string, args: readonly string[]): string {
  if (spawnSync("go", ["version"]).status !== 0) {
    throw new GoToolError(`${what} is built with Go: install it, for example with 'apt-get install golang'`);
  }
  const done = spawnSync(command, args, {
    cwd: sourceOf(module),
    env: { ...process.env, GOWORK: "off" },
    encoding: "utf8",
  });
  if (done.status === 0) return done.stdout;
  throw new GoToolError(`${what} does not build: ${done.stderr.trim().split("\n").at(-1)}`);
}

if (import.meta.main) {
  const names = process.argv.slice(2).filter((name): name is GoTool => Object.hasOwn(programs, name));
  if (names.length === 0 || names.length !== process.argv.length - 2) {
    process.stderr.write(`usage: node scripts/go-tools.ts ${Object.keys(programs).join(" ")}\n`);
    process.exitCode = 2;
  } else {
    try {
      for (const name of names) process.stdout.write(`${name}\t${openGoTool(name)}\n`);
    } catch (error) {
      if (!(error instanceof GoToolError)) throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  }
}
