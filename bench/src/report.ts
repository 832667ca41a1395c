import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Machine } from "./machine.ts";
import type { Result } from "./result.ts";

/** What `bench/results/latest.json` holds. */
export interface Report {
  readonly time: string;
  /** Commit that was measured; ends in `+` where the tree had changes. */
  readonly commit: string;
  readonly quick: boolean;
  readonly seconds: number;
  readonly machine: Machine;
  readonly results: readonly Result[];
}

const latest = new URL("../results/latest.json", import.meta.url);
const partial = new URL("../results/partial.json", import.meta.url);

/** Only a full run becomes `latest.json`: a table is of one run. */
export function writeReport(report: Report, whole: boolean): string {
  const file = whole && !report.quick ? latest : partial;
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
  return file === latest ? "bench/results/latest.json" : "bench/results/partial.json";
}

export function readLatest(): Report {
  return JSON.parse(readFileSync(latest, "utf8")) as Report;
}

export function describeCommit(): string {
  try {
    const git = (...words: string[]) => execFileSync("git", words, { encoding: "utf8" }).trim();
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unknown";
  }
}
