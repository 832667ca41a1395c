/**
 * `make mutants`: changes the files that decide something, one mutant at a time, and tells which changes no test notices.
 * ROOM=name runs one room, FILES="a b" some of its files. Exits 1 where a file scores below 85 %.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { rooms } from "./rooms.ts";

interface Mutant {
  readonly status: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number } };
}

/** A survivor that was looked at and changes nothing that anybody could notice. */
interface Accepted {
  readonly file: string;
  /** The mutated line as it stands, trimmed. */
  readonly code: string;
  readonly mutant: string;
  readonly reason: string;
}

const leastScore = 85;
const here = new URL("./", import.meta.url);
const stryker = new URL("node_modules/@stryker-mutator/core/bin/stryker.js", here).pathname;
const accepted: readonly Accepted[] = JSON.parse(readFileSync(new URL("accepted.json", here), "utf8"));
const noticed = new Set(["Killed", "Timeout"]);
const counted = new Set([...noticed, "Survived", "NoCoverage"]);

function main(): void {
  if (!existsSync(stryker)) {
    const install = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    spawnSync("npm", install, { cwd: here.pathname, stdio: ["ignore", "ignore", "inherit"] });
  }
  const chosen = process.env.ROOM?.split(" ") ?? Object.keys(rooms);
  const passed = chosen.map((room) => {
    if (rooms[room] !== undefined) return runRoom(room);
    process.stderr.write(`there is no room ${room}: ${Object.keys(rooms).join(", ")}\n`);
    return false;
  });
  process.exitCode = passed.every(Boolean) ? 0 : 1;
}

function runRoom(room: string): boolean {
  const report = new URL(`reports/${room}.json`, here);
  rmSync(report, { force: true });
  const started = performance.now();
  const files = process.env.FILES === undefined ? {} : { WELLAPI_FILES: process.env.FILES };
  const run = spawnSync(process.execPath, [stryker, "run", new URL("stryker.config.mjs", here).pathname], {
    env: { ...process.env, ...files, WELLAPI_ROOM: room },
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (run.status !== 0 || !existsSync(report)) {
    process.stdout.write(`${room}: did not run\n${run.stdout.slice(-4_000)}${run.stderr.slice(-2_000)}\n`);
    return false;
  }
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  process.stdout.write(`\n${room} (${minutes} min)\n`);
  const { files: told } = JSON.parse(readFileSync(report, "utf8")) as {
    files: Record<string, { source: string; mutants: Mutant[] }>;
  };
  return Object.entries(told)
    .map(([file, { source, mutants }]) => tell(file, source.split("\n"), mutants))
    .every(Boolean);
}

/** Prints the file's score and what survived; false where too much did. */
function tell(file: string, lines: readonly string[], all: readonly Mutant[]): boolean {
  const mutants = all.filter(({ status }) => counted.has(status));
  const survivors = mutants.filter(({ status }) => !noticed.has(status));
  const codeAt = ({ location }: Mutant) => lines[location.start.line - 1]!.trim();
  const open = survivors.filter(
    (mutant) =>
      !accepted.some(
        (one) => one.file === file && one.code === codeAt(mutant) && one.mutant === mutant.replacement,
      ),
  );
  const score = mutants.length === 0 ? 100 : (100 * (mutants.length - open.length)) / mutants.length;
  const crashed = all.filter(({ status }) => status === "RuntimeError").length;
  const unjudged = crashed === 0 ? "" : `, and ${crashed} that crashed the runner: nobody knows of them`;
  const note = `${open.length < survivors.length ? `, ${survivors.length - open.length} accepted` : ""}${unjudged}`;
  const counts = `${mutants.length - survivors.length} of ${mutants.length} noticed${note}`;
  process.stdout.write(`  ${score.toFixed(1).padStart(5)} %  ${file}: ${counts}\n`);
  for (const mutant of open) {
    const what = mutant.status === "NoCoverage" ? "reached by no test" : mutant.mutatorName;
    const line = mutant.location.start.line;
    process.stdout.write(`      ${line}: ${codeAt(mutant)}\n        → ${mutant.replacement} (${what})\n`);
  }
  // Where a run was disturbed its score says nothing: delete the reports, and run it again.
  return score >= leastScore && crashed * 20 <= mutants.length;
}

main();
