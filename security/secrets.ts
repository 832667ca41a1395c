/** Secrets that were committed, now or once: what is in the history is public for ever. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { openGoTool } from "../scripts/go-tools.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** gitleaks over every commit. `.gitleaksignore` names what was looked at and is none. */
export function checkSecrets(): readonly string[] {
  const how = ["git", ".", "--no-banner", "--no-color", "--redact", "--verbose"];
  const run = spawnSync(openGoTool("gitleaks"), how, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (run.status === 0) return [];
  const found = [...run.stdout.matchAll(/^Fingerprint: (.*)$/gm)].map(([, where]) => where!);
  return found.length > 0 ? found : [`gitleaks failed: ${run.stderr.slice(-2_000)}`];
}
