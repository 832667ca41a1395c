/**
 * Builds the wheel of sdk/python: `node scripts/python-sdk.ts [folder]` prints its path. The messages and clients are generated from
 * proto/ into the wheel, never into the checkout (docs/decisions/0067). Installs its tools into .tools/ the first time.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openTools } from "./tools.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Options that only the server reads, and whose packages no Python library brings at their place. */
const serverOptions = [
  "buf.validate",
  "google.api",
  "wellapi.type.v1.service_callers",
  "wellapi.type.v1.method_callers",
  "wellapi.type.v1.max_request_bytes",
];

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
    generate([{ directory: "proto", exclude_types: serverOptions }], join(stage, "contracts"), [
      ...messages,
      tools["protoc-gen-connectrpc"].command,
    ]);
    for (const area of readdirSync(join(stage, "contracts/wellapi"))) {
      // The package's own __init__.py is no generated one.
      if (area === "__init__.py") continue;
      cpSync(join(stage, "contracts/wellapi", area), join(package_, area), { recursive: true });
    }
    // Error details under the library's own name: `google` belongs to other packages of Python.
    const details = join(package_, "_details");
    generate([{ directory: "third_party", paths: ["third_party/google/rpc"] }], details, messages);
    mkdirSync(folder, { recursive: true });
    run(tools.hatchling.command, ["build", "-t", "wheel", "-d", resolve(folder)], project);
    const wheel = readdirSync(folder).find((file) => file.startsWith("wellapi-") && file.endsWith(".whl"));
    return join(resolve(folder), wheel!);
  } finally {
    rmSync(stage, { recursive: true });
  }
}

function generate(inputs: readonly object[], out: string, plugins: readonly string[]): void {
  const template = { version: "v2", inputs, plugins: plugins.map((local) => ({ local, out })) };
  run("buf", ["generate", "--template", JSON.stringify(template)], root);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
}

if (import.meta.main) {
  process.stdout.write(`${await buildPythonSdk(process.argv[2] ?? join(root, "sdk/python/dist"))}\n`);
}
