/** The examples in the help of each command are command lines that today's commands understand. */
import { spawnSync } from "node:child_process";
import { Writable } from "node:stream";
import type { Command } from "commander";
import { expect, test } from "vitest";
import type { Io } from "../src/io.ts";
import { createProgram } from "../src/program.ts";
import { openFolder } from "./commands/world.ts";

const silent: Io = {
  env: {},
  stdin: (async function* () {})(),
  stdout: new Writable({ write: (_text, _encoding, done) => done() }),
  stderr: new Writable({ write: (_text, _encoding, done) => done() }),
  interrupted: () => new AbortController().signal,
  exitCode: 0,
};

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

/** The commands that do something, not the groups of them. */
function leavesOf(command: Command, path = ""): Leaf[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((one) => leavesOf(one, `${path} ${one.name()}`.trim()));
}

/** The lines of a shell after `Example:`, without where they read from and write to. */
function exampleIn({ command }: Leaf): string {
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  return help
    .replaceAll("\\\n", " ")
    .split("\n")
    .flatMap((line) => /^(?:Example:| {8}) ((?:(?:export )?[A-Z_]+=|wellapi ).*)/.exec(line)?.[1] ?? [])
    .map((line) => line.replaceAll(/ [<>] \S+/g, ""))
    .join("\n");
}

/** What bash makes of each leaf's examples: the words of each call of `wellapi`. */
function callsOf(leaves: readonly Leaf[]): Map<string, string[][]> {
  const script = `
    PATH=/nowhere
    command_not_found_handle() { :; }
    wellapi() { local IFS=$'\\x1f'; printf '%s\\x1e' "$*" >&3; }
    ${leaves.map((leaf) => `printf '\\x1d%s\\x1e' '${leaf.path}' >&3\n${exampleIn(leaf)}`).join("\n")}`;
  const { output, stderr } = spawnSync("bash", ["-c", script], {
    cwd: openFolder(),
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  const calls = new Map<string, string[][]>();
  for (const part of output[3]!.split("\u001d").slice(1)) {
    const [path, ...lines] = part.split("\u001e").slice(0, -1);
    calls.set(
      path!,
      lines.map((line) => line.split("\u001f")),
    );
  }
  return calls;
}

test("each command's help has an example of it, and all that its examples call exists and takes what they give", async () => {
  const program = await createProgram(silent, undefined);
  const leaves = leavesOf(program);
  const ran: string[] = [];
  const problems: string[] = [];
  const calls = callsOf(leaves);
  for (const { path, command } of leaves) {
    command.action(() => void ran.push(path));
    command.configureOutput({ writeErr: () => {} });
  }
  for (const { path } of leaves) {
    ran.length = 0;
    for (const words of calls.get(path)!) {
      await program.parseAsync(words, { from: "user" }).catch((error: Error) => {
        problems.push(`${path}: ${words.join(" ")}: ${error.message}`);
      });
    }
    if (!ran.includes(path)) problems.push(`${path}: no example of it`);
  }
  expect(problems).toEqual([]);
  expect(leaves.length).toBeGreaterThan(100);
});
