import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PersonName, personNames } from "@wellapi/sandbox-people";
import type { Range } from "@wellapi/sandbox-people/filling";
import { CliError } from "../failure.ts";

export interface EnrolledPerson {
  /** The patient's own id. */
  readonly patient: string;
  /** As the devices' organization knows them, and as the sandbox's own does. */
  readonly atDevices: string;
  readonly atOrganization: string;
  readonly erased?: boolean;
}

export interface EnrolledOrganizations {
  /** Contributes what devices measure, by the certificate in `devices/`. */
  readonly devices: string;
  /** The developer's, which may contribute and read by the key in `api-key`. */
  readonly organization: string;
  readonly application: string;
}

/** What a sandbox is made of, and how far it is: `sandbox.json` in its folder. */
export interface SandboxState {
  /** A random UUID, of which the ids of its requests are made: a command that was interrupted makes nothing twice. */
  readonly id: string;
  readonly seed: number;
  readonly days: number;
  readonly names: readonly PersonName[];
  /** The developer's organization, where it was there before. */
  readonly filled?: string;
  /** 1 at first; each reset makes other people. */
  readonly generation: number;
  readonly organizations?: EnrolledOrganizations;
  readonly people?: Readonly<Partial<Record<PersonName, EnrolledPerson>>>;
  /** What is under way. Sent again it is the same batches, which are stored once. */
  readonly sending?: Range;
  /** Up to here (UTC milliseconds) the devices' data is stored. */
  readonly sentToMs?: number;
}

export interface SandboxFolder {
  readonly path: string;
  state(): SandboxState;
  /** Durable as soon as it returns. */
  save(change: Partial<SandboxState>): SandboxState;
  file(...names: string[]): string;
}

const stateFile = "sandbox.json";

/** Begins a sandbox in the folder, or goes on with the one that lies there. Throws CliError `usage` where that is another one. */
export function beginSandbox(
  path: string,
  asked: Pick<SandboxState, "seed" | "days" | "names" | "filled">,
): SandboxFolder {
  const { seed, days, names, filled } = asked;
  if (!existsSync(join(path, stateFile))) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    write(path, { id: randomUUID(), ...asked, generation: 1 });
  }
  const folder = openSandbox(path);
  const found = folder.state();
  const same =
    found.seed === seed &&
    found.days === days &&
    found.names.join() === names.join() &&
    found.filled === filled;
  if (!same) {
    throw new CliError(
      "usage",
      `${path} holds a sandbox of ${found.filled ?? "an organization of its own"}, seed ${found.seed}, ${found.days} days and ${found.names.join(", ")}: name another folder with --folder, or the same organization, seed, days and people`,
    );
  }
  return folder;
}

/** Throws CliError `input` where the folder holds no sandbox. */
export function openSandbox(path: string): SandboxFolder {
  let state = read(path);
  return {
    path,
    state: () => state,
    save(change) {
      state = { ...state, ...change };
      write(path, state);
      return state;
    },
    file: (...names) => join(path, ...names),
  };
}

/** The id of one of the sandbox's requests: a UUID of version 8 (RFC 9562), the same at each run. */
export function requestIdOf({ id, generation }: SandboxState, ...what: readonly string[]): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([id, generation, ...what]))
    .digest();
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

function read(path: string): SandboxState {
  const file = join(path, stateFile);
  if (!existsSync(file)) {
    throw new CliError("input", `${path} holds no sandbox: wellapi sandbox create makes one`);
  }
  try {
    const state = JSON.parse(readFileSync(file, "utf8")) as SandboxState;
    if (typeof state.id === "string" && state.names.every((name) => personNames.includes(name))) return state;
  } catch (cause) {
    throw damaged(file, cause);
  }
  throw damaged(file);
}

function damaged(file: string, cause?: unknown): CliError {
  return new CliError("input", `${file} is damaged: name another folder with --folder`, { cause });
}

function write(path: string, state: SandboxState): void {
  const file = join(path, stateFile);
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}
