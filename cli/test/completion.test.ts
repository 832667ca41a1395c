/** The completions, run by the shells themselves. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openFolder, wellapi } from "./commands/world.ts";

const has = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;

/** What the shell offers for the last word; each line of the answer begins with a word. */
function inBash(script: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(" ");
  const program = `source ${script}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _wellapi; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return said("bash", ["-c", program]);
}

function inZsh(script: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(" ");
  const program = `
    compdef() { }
    _describe() { local name=$2; print -l -- "\${(@)\${(P)name}%%:*}" }
    _files() { }
    source ${script}
    words=(${line}); CURRENT=${words.length}; _wellapi`;
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

test.each([
  ["bash", inBash],
  ["zsh", inZsh],
  ["fish", inFish],
] as const)(
  "%s offers commands, their commands, and options of the command that is typed",
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
    expect(offers(script, ["wellapi", "ing"])).toEqual(["ingest"]);
    expect(offers(script, ["wellapi", "consent", "cr"])).toEqual(["create"]);
    expect(offers(script, ["wellapi", "consent", "--json", "create", "--gran"])).toEqual(["--grantee"]);
    expect(offers(script, ["wellapi", "audit", "--lim"])).toEqual([]);
    expect(offers(script, ["wellapi", "audit", "list", "--lim"])).toEqual(["--limit"]);
  },
);

test("no other shell is promised", async () => {
  expect(await wellapi(["completion", "tcsh"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("bash, zsh, fish"),
  });
});
