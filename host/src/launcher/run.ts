import { ConfigError, createLogger } from "@wellapi/runtime";
import { ToolsError } from "@wellapi/tools";
import { announce, announceJson } from "../announcement.ts";
import { HostError } from "../errors.ts";
import type { RunOptions } from "../run.ts";
import { parseMeshConfig } from "./config.ts";
import { type Mesh, openMesh } from "./mesh.ts";

/** Runs a mesh on this machine until SIGINT or SIGTERM; resolves with the process's exit code. */
export async function runMesh({ env, json }: RunOptions): Promise<number> {
  const stopped = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(undefined));
  });
  let mesh: Mesh;
  try {
    mesh = await openMesh(parseMeshConfig(env), env, createLogger({ name: "mesh", env }));
  } catch (error) {
    const explained =
      error instanceof ConfigError || error instanceof HostError || error instanceof ToolsError;
    if (!explained) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  process.stdout.write(`${json ? announceJson(mesh) : announce(mesh)}\n`);
  const line = await Promise.race([stopped, mesh.broken]);
  if (line !== undefined) process.stderr.write(`${line}\n`);
  await mesh.close();
  return line === undefined ? 0 : 1;
}
