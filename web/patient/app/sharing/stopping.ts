import type { Client } from "@connectrpc/connect";
import { type Consent, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { msOf } from "../api/time.ts";

/** What became of a stop. */
export interface Stopped {
  /** When the last of them was stopped, UTC milliseconds; undefined where none was. */
  readonly at: number | undefined;
  readonly stopped: number;
  /** Still in force: what went wrong with the first. */
  readonly problem: Problem | undefined;
}

/**
 * Revokes all consents of one organization. Each answer says that nothing that starts later gets the data.
 *
 * A denial beats the permissions of the other consents, so a stop that gets only halfway must not have begun with the denials: those
 * that only permit go first, each whatever became of the others; those that deny follow, the ones that only deny last, and none after a
 * failure.
 */
export async function stop(
  consents: Pick<Client<typeof ConsentService>, "revokeConsent">,
  all: readonly Consent[],
): Promise<Stopped> {
  const times: number[] = [];
  let problem: Problem | undefined;
  for (const one of [...all].sort((a, b) => denialIn(a) - denialIn(b))) {
    if (denialIn(one) > 0 && problem !== undefined) break;
    try {
      const { consent } = await consents.revokeConsent({ consent: one.id });
      times.push(msOf(consent?.revokeTime));
    } catch (error) {
      problem ??= problemOf(error);
    }
  }
  return { at: times.length === 0 ? undefined : Math.max(...times), stopped: times.length, problem };
}

/** 0: it only permits; 1: it also denies; 2: it only denies. A provision that is not understood (EFFECT_UNSPECIFIED) denies all. */
function denialIn({ provisions }: Consent): 0 | 1 | 2 {
  const permits = provisions.filter(({ effect }) => effect === Provision_Effect.PERMIT).length;
  if (permits === provisions.length) return 0;
  return permits > 0 ? 1 : 2;
}
