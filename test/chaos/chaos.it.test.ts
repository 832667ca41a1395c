import { temporaryFolder } from "@wellapi/demo/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTools, ToolsError } from "../../scripts/tools.ts";
import { type Checks, openChecks } from "./checks.ts";
import { drill, type Outcome } from "./drill.ts";
import { mayMount, mountDisks } from "./faults/disk.ts";
import { quickFaults } from "./faults/index.ts";
import { type Load, openLoad } from "./load.ts";
import { tableOf } from "./table.ts";
import { openWorld, type World } from "./world.ts";

async function toolsThatCanBeHad() {
  try {
    return await openTools(["mongo", "nats", "toxiproxy", "faketime"]);
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: bad days were not tested: ${error.message}\n\n`);
    return undefined;
  }
}
const tools = await toolsThatCanBeHad();
if (!mayMount && process.env.CI) throw new Error("full disks need root to mount them; CI must run them");
if (!mayMount) process.stderr.write("SKIPPED: full disks of a mesh, which need root to mount them\n");
/** That it comes back by itself is tested here. How soon depends on the machine: `make chaos` judges that. */
const recoveryMs = 30_000;
const faults = tools ? quickFaults({ faketime: tools.faketime.command, disks: mayMount }) : [];

describe.skipIf(!tools)("a mesh of processes under load", () => {
  const folder = temporaryFolder();
  const outcomes: Outcome[] = [];
  let unmount = async () => {};
  let world: World;
  let load: Load;
  let checks: Checks;

  beforeAll(async () => {
    if (mayMount) unmount = mountDisks(folder.path);
    world = await openWorld(tools!, folder.path);
    load = openLoad(world);
    checks = await openChecks(world, load.ledger);
  });

  afterAll(async () => {
    await load?.close();
    await world?.close();
    await unmount();
    folder.remove();
    process.stdout.write(`\n${tableOf(outcomes)}\n`);
  });

  test.each(faults)(
    "$name",
    async (fault) => {
      const outcome = await drill(world, checks, fault, recoveryMs);
      outcomes.push(outcome);
      expect(outcome.problems).toEqual([]);
    },
    120_000,
  );

  test("in the end everything that was acked is there once, and in the log", async () => {
    await load.settle();
    expect(await checks.quick()).toEqual([]);
    expect(await checks.whole()).toEqual([]);
    expect(checks.counts.acked).toBeGreaterThan(100);
    expect(load.ledger.revocations).toBeGreaterThan(10);
  }, 120_000);
});
