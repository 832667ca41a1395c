/** `make chaos`: many faults in an order that a seed decides, and a table of how the mesh came through. */
import { temporaryFolder } from "@wellapi/demo/server";
import { openTools } from "../../scripts/tools.ts";
import { openChecks } from "./checks.ts";
import { drill, type Outcome } from "./drill.ts";
import type { Fault } from "./fault.ts";
import { mayMount, mountDisks } from "./faults/disk.ts";
import { allFaults } from "./faults/index.ts";
import { openLoad } from "./load.ts";
import { createRandom, shuffled } from "./random.ts";
import { tableOf } from "./table.ts";
import { openWorld } from "./world.ts";

const { SEED, FAULTS, ONLY = "" } = process.env;
const seed = Number(SEED || Math.floor(Math.random() * 1e9));
const count = Number(FAULTS || 100);
const say = (line: string) => process.stdout.write(`${line}\n`);

const { faketime, ...tools } = await openTools(["mongo", "nats", "toxiproxy", "faketime"]);
if (!mayMount) say("SKIPPED: full disks, which need root to mount them");
const known = allFaults({ faketime: faketime.command, disks: mayMount });
const eligible = known.filter(({ name }) => new RegExp(ONLY).test(name));
const random = createRandom(seed);
// Each of them once before any of them twice.
const rounds = Array.from({ length: Math.ceil(count / eligible.length) }, () => shuffled(eligible, random));
const faults = rounds.flat().slice(0, count);
say(`SEED=${seed}: ${faults.length} faults; the same again with \`make chaos SEED=${seed}\``);

/** On a machine with nothing beside it. */
const recoveryMs = 10_000;

const outcomes: Outcome[] = [];
const problems: string[] = [];

/** Faults of one world. MongoDB's stand-in slows down with what it holds, and the faults are to be measured. */
const worldFaults = 25;

async function run(some: readonly Fault[], first: number): Promise<void> {
  const folder = temporaryFolder();
  const unmount = mayMount ? mountDisks(folder.path) : async () => {};
  try {
    const world = await openWorld(tools, folder.path);
    const load = openLoad(world);
    try {
      const checks = await openChecks(world, load.ledger);
      for (const [i, fault] of some.entries()) {
        const outcome = await drill(world, checks, fault, recoveryMs, (line) =>
          say(`${first + i + 1}\t${line}`),
        );
        outcomes.push(outcome);
        problems.push(...outcome.problems.map((problem) => `${fault.name}: ${problem}`));
      }
      await load.settle();
      problems.push(...(await checks.quick()), ...(await checks.whole()));
      const { acked, samples, entries, proofs } = checks.counts;
      say(
        `${acked} batches with ${samples} samples acked, ${load.ledger.revocations} revocations, ${entries} entries of the log, ${proofs} of them proved`,
      );
    } finally {
      await load.close();
      await world.close();
    }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    await unmount();
    folder.remove();
  }
}

for (let first = 0; first < faults.length; first += worldFaults) {
  await run(faults.slice(first, first + worldFaults), first);
}
say(tableOf(outcomes));
for (const problem of problems) say(`✗ ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
