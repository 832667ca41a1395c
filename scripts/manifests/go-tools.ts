/**
 * The ecosystem's own tools, from the Go module proxy at pinned versions, built once into `.tools/go/`. Cold, on two
 * cores at low priority: kustomize 70 s, istioctl 8 min (3.5 min with the machine to itself), of which most is compiling.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type GoTool = "kustomize" | "istioctl";

interface Source {
  readonly module: string;
  readonly version: string;
  readonly program: string;
}

const sources: Readonly<Record<GoTool, Source>> = {
  kustomize: { module: "sigs.k8s.io/kustomize/kustomize/v5", version: "v5.7.1", program: "" },
  // The newest that the module proxy serves is no release but a state of master on the way to 1.31. It cannot be
  // installed by `go install`, because its go.mod replaces modules: a module of our own requires it.
  istioctl: {
    module: "istio.io/istio",
    version: "v0.0.0-20260827124520-eed52ebb66ad",
    program: "/istioctl/cmd/istioctl",
  },
};

export class GoToolError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GoToolError";
  }
}

const root = fileURLToPath(new URL("../../.tools/go/", import.meta.url));

/** The program's path; builds it where it is not there yet. Throws GoToolError without Go, or where it doesn't build. */
export function openGoTool(name: GoTool): string {
  const { module, version, program } = sources[name];
  const folder = `${root}${name}@${version}`;
  const path = `${folder}/${name}`;
  if (existsSync(path)) return path;
  if (spawnSync("go", ["version"]).status !== 0) {
    throw new GoToolError(`${name} is built with Go: install it, for example with 'apt-get install golang'`);
  }
  // Complete or not there: two builds at once do the work twice, and either's result serves.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    writeFileSync(`${draft}/go.mod`, `module tools\n\ngo 1.26.0\n\nrequire ${module} ${version}\n`);
    go(draft, ["get", `${module}${program}@${version}`]);
    go(draft, ["build", "-o", `${draft}/${name}`, `${module}${program}`]);
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return path;
}

function go(cwd: string, parameters: readonly string[]): void {
  const env = { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off" };
  const run = spawnSync("nice", ["-n", "10", "go", ...parameters], { cwd, env, encoding: "utf8" });
  if (run.status === 0) return;
  throw new GoToolError(`go ${parameters.join(" ")} failed: ${run.stderr.trim().split("\n").at(-1)}`);
}
