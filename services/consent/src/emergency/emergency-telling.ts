import type { Logger } from "@wellapi/runtime";
import { openTelling, type Telling } from "../standing/telling.ts";
import type { EmergencyRepository, KeptEmergency } from "./emergency-repository.ts";
import type { EmergencyIdentity } from "./identity-client.ts";

/** Tells people that emergency access was opened. */
export type EmergencyTelling = Telling<KeptEmergency>;

export function openEmergencyTelling(deps: {
  readonly emergencies: Pick<EmergencyRepository, "untold" | "tick">;
  readonly identity: Pick<EmergencyIdentity, "tell">;
  readonly log: Logger;
}): EmergencyTelling {
  const { emergencies, identity, log } = deps;
  return openTelling<KeptEmergency>({
    untold: (limit) => emergencies.untold(limit),
    async tellOnce(kept) {
      await identity.tell(kept);
      while (!(await emergencies.tick(kept.partition, kept.access.id)));
    },
    failed: "people could not be told of emergency access; trying again",
    log,
  });
}
