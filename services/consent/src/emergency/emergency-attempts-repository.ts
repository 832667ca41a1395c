import type { Clock } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import type { ConsentSealing } from "../consent-sealing.ts";
import { ConsentError } from "../errors.ts";
import { type AttemptsDocument, clinicianMac, emergencyAttempts } from "./emergency-documents.ts";

const HOUR = 3_600_000;
/** Tries to open emergency access in an hour, right or wrong. An emergency code has 60 bits: nobody guesses one with so few. */
const most = { clinician: 10, organization: 100 } as const;

/** Counts tries to open emergency access, over all replicas. */
export interface EmergencyAttempts {
  /** Counts a try before it is judged, so that tries at once count each. Throws `emergency_limited`, StoreError. */
  take(organization: string, clinician: string): Promise<void>;
}

export function createEmergencyAttempts(deps: {
  readonly store: Store;
  readonly sealing: Pick<ConsentSealing, "tagOf">;
  readonly clock: Clock;
}): EmergencyAttempts {
  const { store, sealing, clock } = deps;
  const { name: collection } = emergencyAttempts;
  return {
    async take(organization, clinician) {
      const partition = `emergency/${sealing.tagOf(organization)}`;
      const ids = { organization: "all", clinician: clinicianMac(sealing, { organization, clinician }) };
      for (;;) {
        const now = clock.now();
        const changes: Change[] = [];
        for (const whose of ["clinician", "organization"] as const) {
          const id = ids[whose];
          const stored = await store.get<AttemptsDocument>(collection, [partition, id]);
          const times = (stored?.document.times ?? []).filter((time) => time > now - HOUR);
          const oldest = times[times.length - most[whose]];
          if (oldest !== undefined) throw limited(whose, oldest + HOUR - now);
          changes.push(putting({ partition, id, times: [...times, now] }, stored));
        }
        if ((await store.commit({ partition, changes })).committed) return;
      }
    },
  };
}

function putting(document: AttemptsDocument, stored: Stored<AttemptsDocument> | undefined): Change {
  const { name: collection } = emergencyAttempts;
  if (stored === undefined) return { kind: "insert", collection, document };
  return { kind: "replace", collection, document, ifRevision: stored.revision };
}

function limited(whose: keyof typeof most, retryAfterMs: number): ConsentError {
  const message = `${most[whose]} tries an hour to open emergency access are the most for ${
    whose === "clinician" ? "a clinician" : "an organization"
  }: try again later`;
  return new ConsentError("emergency_limited", { message, retryAfterMs });
}
