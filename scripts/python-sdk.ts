/**
 * Builds the wheel of sdk/python: `node scripts/python-sdk.ts [folder]` prints its path. The messages and clients are generated from
 * proto/ into the wheel, never into the checkout (docs/decisions/0067). Installs its tools into .tools/ the first time.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { generateContracts, publicContracts, run } from "./client-contracts.ts";
import { openTools } from "./tools.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Builds the wheel into the folder; its path. Throws with what a tool printed, or `ToolsError` where Python is missing. */
export async function buildPythonSdk(folder: string): Promise<string> {
  const tools = await openTools(["protoc-gen-py", "protoc-gen-connectrpc", "hatchling"]);
  const messages = [tools["protoc-gen-py"].command];
  const stage = mkdtempSync(join(tmpdir(), "wellapi-python-"));
  try {
    const project = join(stage, "project");
    const package_ = join(project, "src/wellapi");
    cpSync(join(root, "sdk/python"), project, { recursive: true });
    cpSync(join(root, "LICENSE"), join(project, "LICENSE"));
    const contracts = join(stage, "contracts");
    generateContracts(
      [publicContracts],
      plugins([...messages, tools["protoc-gen-connectrpc"].command], contracts),
    );
    for (const area of readdirSync(join(contracts, "wellapi"))) {
      // The package's own __init__.py is no generated one.
      if (area === "__init__.py") continue;
      cpSync(join(contracts, "wellapi", area), join(package_, area), { recursive: true });
    }
    // Error details under the library's own name: `google` belongs to other packages of Python.
    const details = join(package_, "_details");
    const errors = { directory: "third_party", paths: ["third_party/google/rpc"] };
    generateContracts([errors], plugins(messages, details));
    mkdirSync(folder, { recursive: true });
    run(tools.hatchling.command, ["build", "-t", "wheel", "-d", resolve(folder)], project);
    const wheel = readdirSync(folder).find((file) => file.startsWith("wellapi-") && file.endsWith(".whl"));
    return join(resolve(folder), wheel!);
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
