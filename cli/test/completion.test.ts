/** The completions, run by the shells themselves. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openFolder, wellapi } from "./commands/world.ts";

const has = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;

/** What the shell offers for the last word; each line of the answer begins with a word. */
function inBash(script: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(" ");
  const program = `compopt() { :; }; source ${script}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _wellapi; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return said("bash", ["-c", program]);
}

function inZsh(script: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(" ");
  const program = `
    compdef() { }
    _describe() { local name=$2; print -l -- "\${(@)\${(P)name}%%:*}" }
    _files() { }
    compadd() { shift; print -l -- "$@" }
    source ${script}
    words=(${line}); CURRENT=${words.length}; _wellapi || true`;
  const offered = said("zsh", ["-f", "-c", program]);
  return offered.filter((word) => word.startsWith(words.at(-1)!));
}

function inFish(script: string, words: readonly string[]): string[] {
  const offered = said("fish", ["--no-config", "-c", `source ${script}; complete -C "${words.join(" ")}"`]);
  return offered.map((line) => line.split("\t")[0]!);
}

function said(shell: string, parameters: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(shell, parameters, { encoding: "utf8" });
  expect(`${status} ${stderr}`).toBe("0 ");
  return stdout.split("\n").filter(Boolean);
}

/** What is typed, the last word unfinished; and what is offered for it. */
const typed: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["cons", ["consent"]],
  ["consent cr", ["create"]],
  ["consent --json create --gran", ["--grantee"]],
  ["audit --lim", []],
  ["audit list --lim", ["--limit"]],
  ["consent create --resolution ", ["daily", "hourly", "raw"]],
  ["consent create --resolution raw --resol", ["--resolution"]],
  ["consent create --purpose research treat", ["treatment"]],
  ["consent create --category gl", ["glucose"]],
  ["organization emergency org_1 of", ["off"]],
  ["consent create --as-patient ", []],
  ["consent revoke ", []],
];

test.each([
  ["bash", inBash],
  ["zsh", inZsh],
  ["fish", inFish],
] as const)(
  "%s offers commands, options of the command that is typed, and the words that they take",
  async (shell, offers) => {
    const { code, out } = await wellapi(["completion", shell]);
    expect(code).toBe(0);
    expect(out).toContain(`wellapi completion ${shell}`);
    if (!has(shell)) {
      process.stderr.write(`completion.test.ts: ${shell} is not installed, so its script was not run\n`);
      return;
    }
    const script = `${openFolder()}/completion`;
    writeFileSync(script, out);
    for (const [line, offered] of typed) {
      const found = offers(script, ["wellapi", ...line.split(" ")]);
      expect([line, found.toSorted()]).toEqual([line, offered]);
    }
  },
);

test("Tab completes in a shell as people use it, words joined by = and colons too, and files where one is meant", async () => {
  const folder = openFolder();
  writeFileSync(`${folder}/completion`, (await wellapi(["completion", "bash"])).out);
  writeFileSync(`${folder}/found.csv`, "");
  const lines = [
    "cons\tcr\t--reso\tho\t",
    "consent create --resolution=da\t",
    "read --url http://localhost:7080 --purpose fam\t",
    "ingest --url http://localhost:7080 fou\t--gran\tepi\t",
    "consent revoke fou\t",
  ];
  const input = [
    "source completion",
    "wellapi() { printf 'ran <%s>\\n' \"$*\"; }",
    ...lines.map((line) => `wellapi ${line}`),
    "",
  ].join("\n");
  const env = { PATH: process.env.PATH, HOME: folder, INPUTRC: "/dev/null", TERM: "dumb" };
  const { stdout } = spawnSync("bash", ["--norc", "--noprofile", "-i"], {
    cwd: folder,
    env,
    input,
    encoding: "utf8",
  });
  expect(stdout.split("\n").filter((line) => line.startsWith("ran"))).toEqual([
    "ran <consent create --resolution hourly>",
    "ran <consent create --resolution=daily>",
    "ran <read --url http://localhost:7080 --purpose family-request>",
    "ran <ingest --url http://localhost:7080 found.csv --granularity episode>",
    "ran <consent revoke fou>",
  ]);
});

test("no other shell is promised", async () => {
  expect(await wellapi(["completion", "tcsh"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("bash, zsh, fish"),
  });
});
