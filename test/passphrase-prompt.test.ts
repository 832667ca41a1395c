/** The master key's passphrase is asked for at a terminal, which shows nothing of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isKeyFileSealed } from "@wellapi/vault";
import { afterAll, describe, expect, test } from "vitest";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
/** Of util-linux: runs a program on a terminal of its own. */
const script = "/usr/bin/script";
const there = existsSync(script);
if (!there)
  process.stderr.write(`\nSKIPPED: the prompt for a passphrase was not tested: there is no ${script}\n\n`);

const passphrase = "six words that nobody ever guesses";

describe.skipIf(!there)("at a terminal, wellapi master-key move", () => {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-prompt-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const inFolder = join(folder, "data", "keys", "master.key");

  /** Types each answer when its question is shown; gives all that the terminal showed. */
  async function move(parameters: readonly string[], answers: ReadonlyArray<readonly [string, string]>) {
    const command = [process.execPath, main, "master-key", "move", ...parameters].join(" ");
    const child = spawn(script, ["-qec", command, "/dev/null"], {
      env: {
        ...process.env,
        WELLAPI_DATA_DIR: join(folder, "data"),
        XDG_CONFIG_HOME: join(folder, "config"),
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let shown = "";
    let next = 0;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      const [question, answer] = answers[next] ?? [];
      if (question === undefined || !shown.slice(shown.lastIndexOf("\n") + 1).includes(question)) return;
      next += 1;
      child.stdin.write(`${answer}\r`);
    });
    const [code] = await once(child, "exit");
    return { code: code as number, shown, asked: next };
  }

  test("asks for a new passphrase twice, and for that of a sealed file, and shows neither", async () => {
    mkdirSync(join(folder, "data", "keys"), { recursive: true });
    writeFileSync(inFolder, Buffer.alloc(32, 7), { mode: 0o600 });
    const differs = await move(
      ["--seal"],
      [
        ["New passphrase", passphrase],
        ["The same again", `${passphrase}!`],
      ],
    );
    expect(differs).toMatchObject({ code: 1, asked: 2, shown: expect.stringContaining("the two differ") });
    expect(existsSync(inFolder)).toBe(true);

    const sealed = await move(
      ["--seal"],
      [
        ["New passphrase", passphrase],
        ["The same again", passphrase],
      ],
    );
    expect(sealed).toMatchObject({ code: 0, asked: 2, shown: expect.stringContaining(", sealed;") });
    expect(readdirSync(join(folder, "data", "keys"))).toEqual([]);

    const to = join(folder, "elsewhere.key");
    const wrong = await move(["--to", to], [["Passphrase of", `${passphrase}?`]]);
    expect(wrong).toMatchObject({ code: 1, asked: 1, shown: expect.stringContaining("does not open") });
    const moved = await move(["--to", to], [["Passphrase of", passphrase]]);
    expect(moved).toMatchObject({ code: 0, asked: 1 });
    expect(await isKeyFileSealed(to)).toBe(true);
    for (const { shown } of [differs, sealed, wrong, moved]) expect(shown).not.toContain("six words");
  }, 120_000);
});
