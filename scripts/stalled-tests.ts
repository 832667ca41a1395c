/**
 * `make stalled FILES="test/export services/notices"`: runs these tests while their processes stand still for moments, as on a machine that
 * stalls (Linux). What fails here and not otherwise looks at one instant, counts on time, or does not ask again what was refused for now.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Between two stalls, on average. */
const everyMs = 2_000;
const shortestMs = 300;
/** Records decide for no longer than 1.5 s without consent: some stalls end their session. */
const longestMs = 2_000;

/** The processes that this one has started, and those that they have, but for itself. */
function descendants(of: number): readonly number[] {
  const children = Map.groupBy(
    readdirSync("/proc").filter((name) => /^\d+$/.test(name)),
    (pid) => parentOf(pid),
  );
  const below = (pid: number): number[] =>
    (children.get(pid) ?? []).map(Number).flatMap((one) => [one, ...below(one)]);
  return below(of);
}

/** Undefined where it has ended meanwhile. */
function parentOf(pid: string): number | undefined {
  try {
    // The name in parentheses may hold anything.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** One of them, two that wait for each other, or all at once. */
function chosen(pids: readonly number[]): readonly number[] {
  if (Math.random() < 0.15) return pids;
  const count = Math.random() < 0.7 ? 1 : 2;
  return Array.from({ length: count }, () => pids[Math.floor(Math.random() * pids.length)]!);
}

function signal(pids: readonly number[], name: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}

async function stall(tests: ChildProcess): Promise<void> {
  while (tests.exitCode === null && tests.signalCode === null) {
    await delay(-Math.log(Math.random()) * everyMs);
    const pids = descendants(tests.pid!);
    if (pids.length === 0) continue;
    const stopped = chosen(pids);
    signal(stopped, "SIGSTOP");
    await delay(shortestMs + Math.random() * (longestMs - shortestMs));
    signal(stopped, "SIGCONT");
  }
}

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const tests = spawn(process.execPath, [vitest, "run", "--retry=0", ...process.argv.slice(2)], {
  stdio: "inherit",
});
const ended = once(tests, "exit");
void stall(tests);
const [code] = await ended;
process.exit(typeof code === "number" ? code : 1);
