import fc from "fast-check";
import { sessionMarginMs } from "../../src/recall.ts";
import { sessionTtlMs } from "../../src/session-streams.ts";
import { Exchange, type Parts, patients } from "./exchange.ts";

/** Something that happens, and how long after the step before. */
export type Step = { readonly gapMs: number } & (
  | { readonly kind: "grant" | "revoke" | "dispute"; readonly patient: number }
  | { readonly kind: "cut" | "restart enforcer"; readonly enforcer: number }
  | {
      readonly kind: "slow";
      readonly enforcer: number;
      readonly forMs: number;
      readonly upMs: number;
      readonly downMs: number;
    }
  | { readonly kind: "sleep"; readonly enforcer: number; readonly ms: number; readonly stops: boolean }
  | {
      readonly kind: "replica sleeps";
      readonly replica: number;
      readonly ms: number;
      readonly stops: boolean;
    }
  | { readonly kind: "jump"; readonly enforcer: number; readonly ms: number }
  | { readonly kind: "replica jumps"; readonly replica: number; readonly ms: number }
  | { readonly kind: "restart replica"; readonly replica: number }
  | { readonly kind: "store fails"; readonly ms: number }
);

export interface Scenario {
  readonly seed: number;
  readonly replicas: number;
  readonly enforcers: number;
  readonly steps: readonly Step[];
}

const mostEnforcers = 3;
const gapMs = fc.oneof({ weight: 3, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: fc.nat(1_500) });
const patient = fc.nat(patients - 1);
const enforcer = fc.nat(mostEnforcers - 1);
const replica = fc.nat(1);
const duration = fc.oneof(fc.integer({ min: 50, max: 300 }), fc.integer({ min: 300, max: 4_000 }));
const leap = fc.oneof(fc.integer({ min: -500, max: 500 }), fc.integer({ min: -100_000, max: 100_000 }));

function step<K extends string, M extends Record<string, fc.Arbitrary<unknown>>>(kind: K, members: M) {
  return fc.record({ gapMs, kind: fc.constant(kind), ...members });
}

const anyStep = fc.oneof(
  { weight: 6, arbitrary: step("grant", { patient }) },
  { weight: 8, arbitrary: step("revoke", { patient }) },
  { weight: 4, arbitrary: step("cut", { enforcer }) },
  {
    weight: 4,
    arbitrary: step("slow", {
      enforcer,
      forMs: fc.integer({ min: 500, max: 5_000 }),
      upMs: fc.integer({ min: 10, max: 3_000 }),
      downMs: fc.integer({ min: 10, max: 3_000 }),
    }),
  },
  { weight: 5, arbitrary: step("sleep", { enforcer, ms: duration, stops: fc.boolean() }) },
  { weight: 1, arbitrary: step("replica sleeps", { replica, ms: duration, stops: fc.boolean() }) },
  { weight: 1, arbitrary: step("jump", { enforcer, ms: leap }) },
  { weight: 1, arbitrary: step("replica jumps", { replica, ms: leap }) },
  { weight: 1, arbitrary: step("restart enforcer", { enforcer }) },
  { weight: 1, arbitrary: step("restart replica", { replica }) },
  { weight: 1, arbitrary: step("store fails", { ms: fc.integer({ min: 10, max: 1_500 }) }) },
) as fc.Arbitrary<Step>;

/** Mishaps come together: a link is slow, and then cut for good when it matters. */
const slowThenCut: fc.Arbitrary<Step[]> = fc
  .record({ patient, enforcer, first: gapMs, second: gapMs, downMs: fc.integer({ min: 400, max: 1_200 }) })
  .map(({ patient, enforcer, first, second, downMs }) => [
    { gapMs: 0, kind: "grant", patient },
    { gapMs: 200, kind: "slow", enforcer, forMs: 5_000, upMs: 20, downMs },
    { gapMs: 500 + first, kind: "revoke", patient },
    { gapMs: second, kind: "cut", enforcer },
  ]);

/** An enforcer falls asleep over a question, and the answer is the first thing that it sees. */
const sleepOverQuestion: fc.Arbitrary<Step[]> = fc
  .record({
    patient,
    enforcer,
    first: fc.nat(60),
    ms: fc.integer({ min: 1_500, max: 3_000 }),
    stops: fc.boolean(),
  })
  .map(({ patient, enforcer, first, ms, stops }) => [
    { gapMs: 0, kind: "grant", patient },
    { gapMs: first, kind: "sleep", enforcer, ms, stops },
    { gapMs: 40, kind: "revoke", patient },
  ]);

const anySteps = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: anyStep.map((only) => [only]) },
      { weight: 1, arbitrary: slowThenCut },
      { weight: 1, arbitrary: sleepOverQuestion },
    ),
    { minLength: 1, maxLength: 20 },
  )
  .map((steps) => steps.flat());

export const anyScenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer(),
  replicas: fc.integer({ min: 1, max: 2 }),
  enforcers: fc.integer({ min: 1, max: mostEnforcers }),
  steps: anySteps,
});

/** As `anyScenario`, and the patients dispute data in between. Apart: the seeds of planted mistakes are those of the other. */
export const disputingScenario: fc.Arbitrary<Scenario> = fc
  .tuple(
    anyScenario,
    fc.array(fc.tuple(fc.nat(20), step("dispute", { patient })), { minLength: 1, maxLength: 6 }),
  )
  .map(([scenario, disputes]) => {
    const steps = [...scenario.steps];
    for (const [at, one] of disputes) steps.splice(at, 0, one as Step);
    return { ...scenario, steps };
  });

/** Long enough for whatever was asleep, broken or retrying to be well again. */
const calmMs = 11_000;

/**
 * Plays a scenario against the model, then lets everything become calm and asks for liveness: calls have
 * returned, reads under consent are permitted, and giving and revoking consent take no longer than they may.
 */
export async function play(parts: Parts, { seed, replicas, enforcers, steps }: Scenario): Promise<Exchange> {
  const exchange = new Exchange(parts, seed, replicas, enforcers);
  const { world, oracle } = exchange;
  const steppedBack = new Map<number, number>();
  const until = (time: number) => world.runUntil(time, () => oracle.check());
  exchange.grant(0);
  await until(300);
  for (const step of steps) {
    await until(world.now + step.gapMs);
    perform(exchange, step, enforcers, steppedBack);
  }
  await until(world.now + 500);
  exchange.faults = false;
  await until(world.now + calmMs);
  if (exchange.pendingCalls > 0) throw new Error("a call has not returned although all is calm");
  for (let patient = 0; patient < patients; patient += 1) {
    if (oracle.active(patient) === undefined) exchange.grant(patient);
  }
  const changedWithinMs = (sessionTtlMs + sessionMarginMs) * 1.02 + 300;
  await until(world.now + changedWithinMs);
  if (exchange.pendingCalls > 0) throw new Error("giving consent takes longer than it may");
  await until(world.now + 500); // everybody has read since
  const wrong = await exchange.settled();
  if (wrong.length > 0) throw new Error(`not live although all is calm: ${wrong.join("; ")}`);
  const began = world.now;
  for (let patient = 0; patient < patients; patient += 1) exchange.revoke(patient);
  await until(began + changedWithinMs);
  if (exchange.pendingCalls > 0) throw new Error("a revocation takes longer than it may");
  return exchange;
}

function perform(exchange: Exchange, step: Step, enforcers: number, steppedBack: Map<number, number>): void {
  const { now } = exchange.world;
  const enforcer = "enforcer" in step ? step.enforcer % enforcers : 0;
  switch (step.kind) {
    case "grant":
      exchange.grant(step.patient);
      break;
    case "revoke":
      exchange.revoke(step.patient);
      break;
    case "dispute":
      exchange.dispute(step.patient);
      break;
    case "cut":
      exchange.cut(enforcer);
      break;
    case "slow":
      exchange.slow(enforcer, step.forMs, step.upMs, step.downMs);
      break;
    case "sleep": {
      // The one thing assumed of the clocks: a wall clock is not set back, within one lease, by just the time
      // for which the machine then sleeps with a stopped monotonic clock. Nobody could notice that.
      const recently = now - (steppedBack.get(enforcer) ?? Number.NEGATIVE_INFINITY) < 2_000;
      exchange.sleepEnforcer(enforcer, step.ms, step.stops && !recently);
      break;
    }
    case "replica sleeps":
      exchange.sleepReplica(step.replica, step.ms, step.stops);
      break;
    case "jump":
      if (step.ms < 0) steppedBack.set(enforcer, now);
      exchange.jumpEnforcer(enforcer, step.ms);
      break;
    case "replica jumps":
      exchange.jumpReplica(step.replica, step.ms);
      break;
    case "restart enforcer":
      exchange.restartEnforcer(enforcer);
      break;
    case "restart replica":
      exchange.restartReplica(step.replica);
      break;
    case "store fails":
      exchange.failStore(step.ms);
      break;
  }
}
