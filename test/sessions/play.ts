import { check, type Limits, type Violation } from "./checker.ts";
import type { Scenario } from "./faults.ts";
import type { History } from "./history.ts";
import { startLoad } from "./load.ts";
import { type Outage, outages } from "./outages.ts";
import { enrolPatient, pause, type Stage } from "./patient.ts";
import { createRecorder } from "./recorder.ts";
import { replicas } from "./world.ts";

export interface Played {
  readonly history: History;
  readonly violations: readonly Violation[];
  /** Of the scenario's fault. */
  readonly outages: readonly Outage[];
}

/** Everything that is done all the time. */
const services = { read: "records", write: "records", grant: "consent", revoke: "consent" } as const;
const kinds = Object.keys(services) as (keyof typeof services)[];

/**
 * Plays a scenario while clients go on at every replica, until each kind of operation has had a certain answer at each
 * replica that was asked for after the fault. Waits no longer for that than `recoveryMs`.
 */
export async function play(
  stage: Omit<Stage, "recorder">,
  limits: Limits,
  scenario: Scenario,
): Promise<Played> {
  const recorder = createRecorder();
  const names = ["steady", "fickle", "subject"] as const;
  const [steady, fickle, subject] = await Promise.all(
    names.map((name) => enrolPatient({ ...stage, recorder }, name)),
  );
  const load = startLoad({ steady: steady!, fickle: fickle! });

  async function certain(since: number, wanted = kinds): Promise<void> {
    const all = wanted.flatMap((kind) =>
      replicas.map((replica) => [kind, replica === 1 ? services[kind] : `${services[kind]}-2`] as const),
    );
    const answered = () => {
      const { operations } = recorder.history();
      return all.every(([kind, replica]) =>
        operations.some(
          (one) =>
            one.kind === kind &&
            one.replica === replica &&
            one.invoked >= since &&
            one.answer?.kind !== "unsure" &&
            one.completed !== undefined,
        ),
      );
    };
    const deadline = recorder.now() + limits.recoveryMs;
    while (!answered() && recorder.now() < deadline) await pause(20);
  }

  try {
    await certain(0, ["read", "write"]);
    await recorder.fault(scenario.name, () => scenario.run(stage.world, subject!));
    await certain(recorder.now());
  } finally {
    await load.stop();
  }
  const history = recorder.history();
  return {
    history,
    violations: check(history, limits),
    outages: outages(history, history.faults[0]!),
  };
}
