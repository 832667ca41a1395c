import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "@wellapi/demo/server";
import type { Push } from "./closing.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const home = fileURLToPath(new URL("../hapi", import.meta.url));
const tools = join(root, ".tools/fhir-peer");
const libraries = join(tools, "lib");
const classes = join(tools, "classes");

export interface HapiPeer {
  /** Below which it has `/fhir/R4`. */
  readonly url: string;
  readonly pid: number;
}

/** Starts HAPI's JPA server on loopback and an empty folder. Maven fetches its libraries once (minutes, some 250 MB). Needs Java 17. */
export async function openHapiPeer(push: Push): Promise<HapiPeer> {
  if (!existsSync(libraries)) {
    const fetched = `${libraries}.part`;
    rmSync(fetched, { recursive: true, force: true });
    mkdirSync(tools, { recursive: true });
    run("mvn", ["-q", "-B", "-f", join(home, "pom.xml"), "package", `-Dlib=${fetched}`]);
    renameSync(fetched, libraries);
  }
  run("javac", ["-nowarn", "-cp", join(libraries, "*"), "-d", classes, join(home, "Peer.java")]);
  const folder = temporaryFolder();
  push(folder.remove);
  const path = [classes, join(libraries, "*")].join(":");
  const quietly = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";
  const child = spawn("java", ["-Xmx2g", quietly, "-cp", path, "Peer", folder.path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  push(async () => {
    child.kill("SIGKILL"); // nothing of it is worth keeping
    await ended;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, port] = /^port (\d+)$/.exec(line) ?? [];
    if (port !== undefined) return { url: `http://127.0.0.1:${port}`, pid: child.pid! };
  }
  throw new Error("HAPI's server ended before it answered");
}

function run(program: string, parameters: readonly string[]): void {
  const { status, stderr, stdout, error } = spawnSync(program, parameters, { encoding: "utf8" });
  if (status === 0) return;
  throw new Error(`${program}: ${error?.message ?? `${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`}`);
}
