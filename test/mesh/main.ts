/**
 * `make mesh-lab`. Installs what is missing, and gives the laboratory namespaces of its own for mounts, the network
 * and processes: they go with it, also when it is killed, so that it never leaves anything behind.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GoToolError } from "../../scripts/go-tools.ts";
import { ToolsError } from "../../scripts/tools.ts";
import { missing } from "./requirements.ts";
import { folderOnDisk, install } from "./world.ts";

async function unable(): Promise<string | undefined> {
  const lacking = missing();
  if (lacking !== undefined) return lacking;
  try {
    await install();
    return undefined;
  } catch (error) {
    if (error instanceof GoToolError || error instanceof ToolsError) return error.message;
    throw error;
  }
}

const reason = await unable();
if (reason === undefined) {
  rmSync(folderOnDisk, { recursive: true, force: true });
  mkdirSync(folderOnDisk, { recursive: true });
  const inside = fileURLToPath(new URL("inside.ts", import.meta.url));
  const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const { status } = spawnSync(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", ...namespaces, process.execPath, inside],
    { stdio: "inherit" },
  );
  process.exitCode = status ?? 1;
} else {
  process.stderr.write(`\nNOT RUN: the mesh laboratory proves nothing here: ${reason}\n\n`);
  process.stdout.write("mesh laboratory: not run\n");
  if (process.env.CI) process.exitCode = 1;
}
