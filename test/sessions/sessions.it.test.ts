/**
 * The session protocol across two replicas of records and of consent, as processes, while things happen to them. Each
 * run is a history of what clients saw, and the checker judges it. `WELLAPI_SESSIONS=thorough` prints how long
 * answers took.
 */
import { type Company, enrolCompany } from "@wellapi/demo/people";
import { createClosers } from "@wellapi/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTools, type Tool, ToolsError } from "../../scripts/tools.ts";
import { type Callers, openCallers } from "./callers.ts";
import { check, type Limits } from "./checker.ts";
import { createMovableClock } from "./clock.ts";
import * as faults from "./faults.ts";
import { enrolPatient, pause } from "./patient.ts";
import { play } from "./play.ts";
import { createRecorder } from "./recorder.ts";
import { openWorld, preloading, replicas, type World } from "./world.ts";

const needed = ["mongo", "nats", "toxiproxy", "faketime"] as const;

async function toolsCanBeHad(): Promise<Readonly<Record<(typeof needed)[number], Tool>> | undefined> {
  try {
    return await openTools(needed);
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: sessions across replicas were not tested: ${error.message}\n\n`);
    return undefined;
  }
}
const tools = await toolsCanBeHad();
const thorough = process.env.WELLAPI_SESSIONS === "thorough";

const limits: Limits = { inFlightMs: 2_000, deliveryMs: 15_000, recoveryMs: 90_000 };

describe.skipIf(!tools)("two replicas of records and of consent", () => {
  const closers = createClosers();
  let stage: { world: World; callers: Callers; maker: Company; clinic: Company };
  let world: World;

  beforeAll(async () => {
    world = await openWorld(tools!.toxiproxy);
    closers.push("world", world.close);
    const [callers, maker, clinic] = await Promise.all([
      openCallers(world, closers),
      enrolCompany(world.server, "Sessions maker"),
      enrolCompany(world.server, "Sessions clinic"),
    ]);
    stage = { world, callers, maker, clinic };
  }, 240_000);

  afterAll(() => closers.closeAll(), 60_000);

  test("the gateway's calls are spread over the addresses of a name, and go where there is an answer", async () => {
    const recorder = createRecorder();
    const patient = await enrolPatient({ ...stage, recorder }, "anybody");
    const bytes = () => replicas.map((records) => world.inFrontOf(records).bytes);
    /** How many of the bytes went by the second address. */
    async function shareOfSecond(reads: number): Promise<number> {
      const before = bytes();
      // A stall may last longer than a read's deadline.
      for (let i = 0; i < reads; i++) await expect.poll(() => patient.read("any")).toEqual({ kind: "ok" });
      const [first, second] = bytes().map((after, i) => after - before[i]!) as [number, number];
      return second / (first + second);
    }
    const share = await shareOfSecond(30);
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.7);
    await world.inFrontOf(2).close();
    expect(await shareOfSecond(10)).toBeLessThan(0.1);
    await world.inFrontOf(2).open();
    await expect.poll(() => shareOfSecond(4), { timeout: 15_000 }).toBeGreaterThan(0.3);
    expect(check(recorder.history(), limits)).toEqual([]);
  }, 240_000);

  async function holds(scenario: faults.Scenario): Promise<void> {
    const { history, violations, outages } = await play(stage, limits, scenario);
    if (thorough) report(scenario.name, history.operations.length, outages);
    expect(violations).toEqual([]);
  }

  const { pausedRecords, pausedConsent, cutOff, killedRecords, killedConsent } = faults;
  for (const scenario of [pausedRecords, pausedConsent, cutOff, killedRecords, killedConsent]) {
    test(scenario.name, () => holds(scenario), 240_000);
  }

  for (const [service, member, seconds] of [
    ["records", "records-2", 120],
    ["consent", "consent-2", -120],
  ] as const) {
    test(`the wall clock of ${member} is moved by ${seconds} s, and back`, async () => {
      const { env, move } = createMovableClock(tools!.faketime, world.mesh.dataDir, member);
      world.settings(member, env);
      await world.restart(service, 2);
      await holds(faults.movedClock(member, seconds, move));
    }, 240_000);
  }

  describe("the checker finds what is planted", () => {
    async function rules(scenario: faults.Scenario): Promise<string[]> {
      const { violations } = await play(stage, limits, scenario);
      return [...new Set(violations.map(({ rule }) => rule))];
    }

    test("an enforcer that was paused and trusts its session", async () => {
      world.settings("records-2", preloading(new URL("plants/stale-lease.ts", import.meta.url)));
      await world.restart("records", 2);
      const found = await rules({
        name: "planted: a lease without end",
        async run({ mesh }, subject) {
          await subject.read(2);
          // A recall that waited in its socket would undo the plant.
          const ways = [world.between(2, 1), world.between(2, 2)];
          await Promise.all(ways.map((way) => way.swallow()));
          mesh.pause("records", 2);
          await subject.revoke("read", 1);
          const asked = subject.read(2);
          await pause(50);
          mesh.resume("records", 2);
          await asked;
          await Promise.all(ways.map((way) => way.open()));
        },
      });
      expect(found).toContain("revoked");
      world.settings("records-2", {});
      await world.restart("records", 2);
    }, 240_000);

    test("a revocation that recalls nobody", async () => {
      world.settings("consent", preloading(new URL("plants/no-recall.ts", import.meta.url)));
      await world.restart("consent", 1);
      const found = await rules({
        name: "planted: no recall",
        async run(_world, subject) {
          // Where its session runs out in between, the replica asks anew and the plant stays hidden.
          for (let attempt = 1; attempt <= 5; attempt++) {
            await subject.read(1);
            await subject.revoke("read", 1);
            if ((await subject.read(1)).kind === "ok") return;
            await subject.grant("read", 2);
          }
        },
      });
      expect(found).toContain("revoked");
    }, 240_000);
  });
});

function report(
  name: string,
  operations: number,
  outages: Awaited<ReturnType<typeof play>>["outages"],
): void {
  const longest = [...outages]
    .sort((a, b) => b.ms - a.ms)
    .map((o) => `${o.kind} ${o.replica} ${Math.round(o.ms)} ms`);
  process.stderr.write(`\n${name}: ${operations} operations; ${longest.join(", ")}\n`);
}
