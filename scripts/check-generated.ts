/** Generates into a temporary folder and compares it with gen/, so that nobody edits or forgets it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|d\.ts|yaml)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((file) => !file.startsWith("node_modules"))
    .sort();
}

const folder = mkdtempSync(join(tmpdir(), "wellapi-gen-"));
try {
  const run = spawnSync("buf", ["generate", "--output", folder], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
  const fresh = filesBelow(join(folder, "gen"));
  const committed = filesBelow("gen");
  const stale = [...new Set([...fresh, ...committed])].filter((file) => {
    if (!fresh.includes(file) || !committed.includes(file)) return true;
    return !readFileSync(join(folder, "gen", file)).equals(readFileSync(join("gen", file)));
  });
  if (stale.length > 0) {
    process.stdout.write(
      `gen/ is not what proto/ and proto-internal/ generate; run "make generate":\n${stale.join("\n")}\n`,
    );
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
