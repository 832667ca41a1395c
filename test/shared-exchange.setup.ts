import { startServer, temporaryFolder } from "@wellapi/demo/server";
import type { TestProject } from "vitest/node";
import "./shared-exchange.ts";

/** Starts the exchange of the project "one exchange" before its files, and stops it after all of them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = temporaryFolder();
  const server = await startServer({ dataDir: folder.path, target: "one-process" });
  const { pid: _pid, stop: _stop, kill: _kill, ...announcement } = server;
  project.provide("exchange", announcement);
  // A run that is interrupted does not get to the teardown.
  const end = () => void server.kill();
  process.once("exit", end);
  return async () => {
    process.off("exit", end);
    const code = await server.stop();
    folder.remove();
    if (code !== 0) throw new Error(`the shared exchange ended with code ${code}`);
  };
}
