import { availableParallelism, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Checks } from "./checks.ts";
import type { Fault } from "./fault.ts";
import { probe, type Recovery } from "./probe.ts";
import type { World } from "./world.ts";

/** A write that a slow link is in the way of has several ways to go, and takes its time. */
const servingMs = 30_000;
/** Waited for beyond that, so that a report says how long it took instead. */
const patienceMs = 60_000;

export interface Outcome {
  readonly fault: Fault;
  readonly recovery: Recovery;
  /** Each a line; none where all is well. */
  readonly problems: readonly string[];
}

/**
 * One fault: it happens, lasts, ends, and then everything is looked at. `recoveryMs`: within this a mesh has to be able to do again
 * what it could before.
 */
export async function drill(
  world: World,
  checks: Checks,
  fault: Fault,
  recoveryMs: number,
  tell: (line: string) => void = () => {},
): Promise<Outcome> {
  const problems: string[] = [];
  tell(fault.name);
  await fault.inject(world);
  if (fault.serves) {
    await probe(world, servingMs, servingMs / 2).catch((error: unknown) => {
      problems.push(`while it lasted: ${messageOf(error)}`);
    });
  }
  await delay(fault.holdMs);
  const healed = performance.now();
  await fault.heal(world);
  const healingMs = Math.round(performance.now() - healed);
  const { ackedMs, readMs, provedMs, heard } = await probe(world, patienceMs).catch((error: unknown) => {
    problems.push(messageOf(error));
    return { ackedMs: patienceMs, readMs: patienceMs, provedMs: patienceMs, heard: [] };
  });
  tell(
    `over ${healingMs}, acked ${healingMs + ackedMs}, read ${healingMs + readMs}, proved ${healingMs + provedMs} ms`,
  );
  for (const line of heard.slice(-5)) tell(`heard after ${line}`);
  const recovery = {
    ackedMs: healingMs + ackedMs,
    readMs: healingMs + readMs,
    provedMs: healingMs + provedMs,
    heard,
  };
  if (recovery.provedMs > recoveryMs && !starved())
    problems.push(
      `recovered after ${recovery.provedMs} ms (acked ${recovery.ackedMs}, read ${recovery.readMs}); heard ${heard.slice(-5).join("; ") || "nothing"}`,
    );
  problems.push(...(await checks.quick()));
  for (const problem of problems) tell(`✗ ${problem}`);
  return { fault, recovery, problems };
}

/** Where so much else runs that a time says nothing of the mesh: then it is measured, and not judged. */
function starved(): boolean {
  return loadavg()[0]! > 4 * availableParallelism();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
