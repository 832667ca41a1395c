import type { Clock } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Author } from "../consent.ts";
import { emergencyMs, stateOf } from "./emergency.ts";
import type { EmergencyChanges, EmergencyLeafOf } from "./emergency-changes.ts";
import type { EmergencyRepository, KeptEmergency } from "./emergency-repository.ts";

/** Who opened them: the clinicians of an organization, or one person in whatever organization. */
export type Openers = { readonly organization: string } | { readonly clinician: string };

/** The entries in the log: one for each patient. */
export interface EndEntries {
  leafAbout(partition: string): EmergencyLeafOf;
  /** Called after each commit. */
  committed(): void;
}

/** The emergency accesses that are open now, of all patients. */
export interface OpenAccesses {
  /**
   * Ends those of the openers, as `EmergencyChanges.end` does each, and says how many it ended. Where one cannot be ended it goes on
   * with the others, and throws then: ending them again ends what is left. Throws `unavailable`, `journal_unavailable`.
   */
  end(openers: Openers, by: Author, entries: EndEntries): Promise<number>;
}

const pageSize = 200;
/** Each waits until every enforcer has let go of the patient. */
const patientsAtOnce = 8;

export function createOpenAccesses(deps: {
  readonly emergencies: Pick<EmergencyRepository, "list">;
  readonly emergencyChanges: Pick<EmergencyChanges, "end">;
  readonly clock: Clock;
  readonly times: Pick<OrganizationTimes, "now">;
}): OpenAccesses {
  const { emergencies, emergencyChanges, clock, times } = deps;

  /**
   * By patient. They are listed newest first, and one lasts an hour: behind the first that is older by the true time, none is open, because
   * no organization's clock is behind it.
   */
  async function openOf(openers: Openers): Promise<ReadonlyMap<string, readonly KeptEmergency[]>> {
    const now = clock.now();
    const found = new Map<string, KeptEmergency[]>();
    let cursor: string | undefined;
    do {
      const page = await emergencies.list("everybody", { limit: pageSize, cursor });
      for (const kept of page.accesses) {
        if (kept.access.createTime + emergencyMs <= now) return found;
        if (stateOf(kept.access, times.now(kept.access.organization)) !== "open" || !isOf(openers, kept))
          continue;
        found.set(kept.partition, [...(found.get(kept.partition) ?? []), kept]);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  return {
    async end(openers, by, { leafAbout, committed }) {
      const waiting = (await openOf(openers)).entries();
      let ended = 0;
      const failures: unknown[] = [];
      // One after another of a patient, whose consents are one document; several workers take patients from one iterator.
      const work = async () => {
        for (const [partition, accesses] of waiting) {
          for (const kept of accesses) {
            try {
              const { changed } = await emergencyChanges.end(kept, by, leafAbout(partition));
              if (!changed) continue;
              ended += 1;
              committed();
            } catch (error) {
              failures.push(error);
            }
          }
        }
      };
      await Promise.all(Array.from({ length: patientsAtOnce }, work));
      if (failures.length > 0) throw failures[0];
      return ended;
    },
  };
}

function isOf(openers: Openers, { access: { organization, clinician } }: KeptEmergency): boolean {
  return "organization" in openers ? organization === openers.organization : clinician === openers.clinician;
}
