/**
 * Builds the wheel of sdk/python: `node scripts/python-sdk.ts [folder]` prints its path. The messages and clients are generated from
 * proto/ into the wheel, never into the checkout (docs/decisions/0067). Installs its tools into .tools/ the first time.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { generateContracts, publicContracts, releasedContracts, run } from "./client-contracts.ts";
import { openTools, type Tool } from "./tools.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Builds the wheel into the folder; its path. Throws with what a tool printed, or `ToolsError` where Python is missing. */
export async function buildPythonSdk(folder: string): Promise<string> {
  const tools = await openTools(["protoc-gen-py", "protoc-gen-connectrpc", "hatchling"]);
  const stage = mkdtempSync(join(tmpdir(), "wellapi-python-"));
  try {
    const project = join(stage, "project");
    const package_ = join(project, "src/wellapi");
    cpSync(join(root, "sdk/python"), project, { recursive: true });
    cpSync(join(root, "LICENSE"), join(project, "LICENSE"));
    generateInto(package_, publicContracts, tools);
    mkdirSync(folder, { recursive: true });
    run(tools.hatchling.command, ["build", "-t", "wheel", "-d", resolve(folder)], project);
    const wheel = readdirSync(folder).find((file) => file.startsWith("wellapi-") && file.endsWith(".whl"));
    return join(resolve(folder), wheel!);
  } finally {
    rmSync(stage, { recursive: true });
  }
}

/**
 * The library of a release, ready to be imported, from `unpackClients` and its image: the folder of its sources, for PYTHONPATH. Generated
 * once. What it imports of others is this checkout's.
 */
export async function generateReleasedPythonSdk(folder: string, contracts: string): Promise<string> {
  const sources = join(folder, "python");
  if (existsSync(sources)) return sources;
  const tools = await openTools(["protoc-gen-py", "protoc-gen-connectrpc"]);
  const unfinished = `${sources}.${process.pid}`;
  cpSync(join(folder, "sdk/python/src"), unfinished, { recursive: true });
  generateInto(join(unfinished, "wellapi"), releasedContracts(contracts), tools);
  if (!existsSync(sources)) renameSync(unfinished, sources);
  rmSync(unfinished, { recursive: true, force: true });
  return sources;
}

/** Generates messages and clients of the contracts into the library's package. */
function generateInto(
  package_: string,
  contracts: object,
  tools: Readonly<Record<"protoc-gen-py" | "protoc-gen-connectrpc", Tool>>,
): void {
  const messages = [tools["protoc-gen-py"].command];
  const stage = mkdtempSync(join(tmpdir(), "wellapi-python-contracts-"));
  try {
    generateContracts([contracts], plugins([...messages, tools["protoc-gen-connectrpc"].command], stage));
    for (const area of readdirSync(join(stage, "wellapi"))) {
      // The package's own __init__.py is no generated one.
      if (area === "__init__.py") continue;
      cpSync(join(stage, "wellapi", area), join(package_, area), { recursive: true });
    }
    // Error details under the library's own name: `google` belongs to other packages of Python.
    const errors = { directory: "third_party", paths: ["third_party/google/rpc"] };
    generateContracts([errors], plugins(messages, join(package_, "_details")));
  } finally {
    rmSync(stage, { recursive: true });
  }
}

function plugins(commands: readonly string[], out: string): object[] {
  return commands.map((local) => ({ local, out }));
}

if (import.meta.main) {
  process.stdout.write(`${await buildPythonSdk(process.argv[2] ?? join(root, "sdk/python/dist"))}\n`);
}
