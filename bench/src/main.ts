/** The bench of docs/performance.md: see bench/README.md. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { changesBetween } from "./compare.ts";
import { lines } from "./lines/index.ts";
import { describeMachine } from "./machine.ts";
import { describeCommit, readLatest, writeReport } from "./report.ts";
import type { Line, Result, Size } from "./result.ts";
import { resultTable } from "./table.ts";

const usage = `npm run bench -- [LINE ...] [--quick] [--repetitions N] [--profile DIR] [--compare]

  LINE       ${lines.map(({ name }) => name).join(" ")}; all unless named, but those marked * only when named
  --quick    shorter runs, one and a half to three minutes in all: to see that it works, not to quote
  --repetitions N  measured repetitions of each pair; 3 unless given, 1 with --quick
  --profile DIR    CPU profiles of the server's threads go there: see bench/README.md
  --compare  prints what changed beyond the noise against the committed bench/results/latest.json; not with --quick

${lines.map(({ name, title, byNameOnly }) => `  ${(name + (byNameOnly ? "*" : "")).padEnd(5)} ${title}`).join("\n")}
`;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function chosen(names: readonly string[]): readonly Line[] {
  if (names.length === 0) return lines.filter(({ byNameOnly }) => !byNameOnly);
  return names.map((name) => {
    const line = lines.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (line === undefined) throw new TypeError(`no line ${name}`);
    return line;
  });
}

async function bench({ named, all, size, compare }: Order): Promise<number> {
  const machine = describeMachine();
  if (machine.loadBefore > 0.5) say(`The machine is busy (load ${machine.loadBefore}): expect wide spreads.`);
  const started = performance.now();
  const results: Result[] = [];
  const failures: string[] = [];
  for (const line of named) {
    const lineStarted = performance.now();
    try {
      results.push(...(await line.run(size)));
    } catch (error) {
      failures.push(`${line.name} failed: ${error instanceof Error ? error.stack : error}`);
    }
    say(`${line.name}  ${line.title}: ${((performance.now() - lineStarted) / 1000).toFixed(0)} s`);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${resultTable(results)}\n`);
  for (const failure of failures) say(failure);
  if (compare) {
    const changes = changesBetween(readLatest().results, results);
    for (const { id, text } of changes) process.stdout.write(`${id}: ${text}\n`);
    if (changes.length === 0) process.stdout.write("Nothing changed beyond the noise.\n");
  } else {
    const whole = all && failures.length === 0;
    const report = {
      time: new Date().toISOString(),
      commit: describeCommit(),
      ...size,
      seconds,
      machine,
      results,
    };
    say(`${writeReport(report, whole)} written, after ${seconds} s`);
  }
  return failures.length === 0 ? 0 : 1;
}

interface Order {
  readonly named: readonly Line[];
  /** Whether these are all lines but those that are run only when named. */
  readonly all: boolean;
  readonly size: Size;
  readonly compare: boolean;
}

/** Undefined where help was asked for. Throws TypeError for arguments that make no sense. */
function parseOrder(): Order | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      repetitions: { type: "string" },
      profile: { type: "string" },
      compare: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { quick, compare, profile, help } = values;
  if (help) return undefined;
  if (quick && compare) {
    throw new TypeError(
      "--quick is too short to be compared: name the lines that matter, for example P1 P4 --compare",
    );
  }
  const repetitions = Number(values.repetitions ?? (quick ? 1 : 3));
  if (!(repetitions >= 1)) throw new TypeError("--repetitions takes a number from 1");
  // Read by openWorld, and by the hook inside the server.
  if (profile !== undefined) process.env.BENCH_PROFILE_DIR = resolve(profile);
  return { named: chosen(positionals), all: positionals.length === 0, size: { quick, repetitions }, compare };
}

let order: Order | undefined;
try {
  order = parseOrder();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  say(`${error.message}\n\n${usage}`);
  process.exit(2);
}
if (order === undefined) process.stdout.write(usage);
else process.exitCode = await bench(order);
