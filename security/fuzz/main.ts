/** `make fuzz`: TARGET names one target (all unless given), MINUTES of CPU for each (1), SEED repeats a run. */
import { keepCrash } from "./crashes.ts";
import { fuzz, processCpuMs } from "./fuzz.ts";
import { fuzzTargets } from "./targets.ts";

const { TARGET = "all", MINUTES = "1", SEED } = process.env;
const seed = SEED === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(SEED);
const ms = Number(MINUTES) * 60_000;
const chosen = fuzzTargets.filter(({ name }) => TARGET === "all" || name === TARGET);
if (chosen.length === 0 || !(ms > 0) || !Number.isInteger(seed)) {
  const names = fuzzTargets.map(({ name }) => name).join(", ");
  process.stderr.write(`MINUTES is a number above 0, SEED an integer, TARGET one of ${names}, or all\n`);
  process.exit(2);
}

process.stdout.write(`seed ${seed}\n`);
for (const { name, open } of chosen) {
  const report = await fuzz(await open(), { seed, ms, now: processCpuMs });
  const { inputs, accepted, refused, outcomes, failures } = report;
  const counts = `${inputs} inputs, ${accepted} accepted, ${refused} refused, ${outcomes} different outcomes`;
  process.stdout.write(`${failures.length === 0 ? "✓" : "✗"}  ${name}: ${counts}\n`);
  for (const { input, why, error } of failures) {
    process.exitCode = 1;
    const stack = error instanceof Error ? `\n   ${error.stack}` : "";
    const bytes = Buffer.from(input).toString("hex");
    process.stdout.write(`   ${why}${stack}\n   ${bytes}\n   kept as ${keepCrash(name, input)}\n`);
  }
}
// Hard: what an input has left running must not keep the process.
process.exit();
