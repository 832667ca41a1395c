/**
 * Renders both overlays with kustomize and checks what would be applied: every object strictly by its schema, every
 * pod by the rules for pods, the policies against the contracts pair by pair. `--mesh` has istioctl validate and
 * analyze them too (`make mesh-check`), which takes minutes to build the first time.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GoToolError, openGoTool } from "./go-tools.ts";
import { contractServices, type Row, tableOf } from "./manifests/callers-table.ts";
import type { Manifest } from "./manifests/derived.ts";
import { meshProblems } from "./manifests/mesh-rules.ts";
import { overlays, render, renderText } from "./manifests/render.ts";
import { strictProblems } from "./manifests/strict.ts";
import { secretProblems, workloadProblems } from "./manifests/workload-rules.ts";

/** Every problem of what would be applied. Empty: none. */
export async function manifestProblems(
  manifests: readonly Manifest[],
  rows: readonly Row[],
): Promise<readonly string[]> {
  const strict = (await Promise.all(manifests.map(strictProblems))).flat();
  // The rules read objects that have the shape of their kinds.
  if (strict.length > 0) return strict;
  return [...workloadProblems(manifests), ...secretProblems(manifests), ...meshProblems(manifests, rows)];
}

function istioProblems(text: string): readonly string[] {
  const istioctl = openGoTool("istioctl");
  const folder = mkdtempSync(join(tmpdir(), "wellapi-manifests-"));
  try {
    const file = join(folder, "rendered.yaml");
    writeFileSync(file, text);
    return [
      ["validate", "-f", file],
      ["analyze", "--use-kube=false", "--color=false", "--failure-threshold=Warning", file],
    ].flatMap((parameters) => {
      const run = spawnSync(istioctl, parameters, { encoding: "utf8" });
      return run.status === 0 ? [] : [`istioctl ${parameters[0]}: ${run.stdout}${run.stderr}`.trim()];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const mesh = process.argv.includes("--mesh");
  try {
    const rows = tableOf(await contractServices());
    for (const overlay of overlays) {
      const problems = [
        ...(await manifestProblems(render(overlay), rows)),
        ...(mesh ? istioProblems(renderText(overlay)) : []),
      ];
      for (const problem of problems) process.stdout.write(`${overlay}: ${problem}\n`);
      if (problems.length > 0) process.exitCode = 1;
      else if (mesh) process.stdout.write(`✓  ${overlay}: valid, by schema, by rule and by istioctl\n`);
    }
  } catch (error) {
    if (!(error instanceof GoToolError)) throw error;
    // Without Go nothing can be rendered. CI has it: there it is a failure.
    process.stdout.write(`manifests were NOT checked: ${error.message}\n`);
    if (mesh || process.env.CI) process.exitCode = 1;
  }
}
