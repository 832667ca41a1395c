import { createLoop, type Logger } from "@wellapi/runtime";
import type { EmergencyRepository, KeptEmergency } from "./emergency-repository.ts";
import type { EmergencyIdentity } from "./identity-client.ts";

/** Tells people that emergency access was opened: at once, and until it was told. */
export interface EmergencyTelling {
  /** Never throws: what could not be told is told later. */
  tell(kept: KeptEmergency): Promise<void>;
  close(): Promise<void>;
}

const everyMs = 15_000;
const atOnce = 100;

/** Tells at once what a stopped replica left untold. Two replicas may tell the same twice. */
export function openEmergencyTelling(deps: {
  readonly emergencies: Pick<EmergencyRepository, "untold" | "tick">;
  readonly identity: Pick<EmergencyIdentity, "tell">;
  readonly log: Logger;
}): EmergencyTelling {
  const { emergencies, identity, log } = deps;
  const onError = (err: unknown) =>
    log.warn({ err }, "people could not be told of emergency access; trying again");

  async function tell(kept: KeptEmergency): Promise<void> {
    await identity.tell(kept);
    while (!(await emergencies.tick(kept.partition, kept.access.id)));
  }

  const loop = createLoop({
    everyMs,
    atOnce: true,
    async work(signal) {
      for (const kept of await emergencies.untold(atOnce)) {
        if (signal.aborted) return;
        await tell(kept);
      }
    },
    onError,
  });
  return {
    tell: (kept) => tell(kept).catch(onError),
    close: () => loop.close(),
  };
}
