import { createHash } from "node:crypto";
import type { Caller } from "@wellapi/rpc";
import { partyOf } from "@wellapi/rpc";
import { encodeId } from "@wellapi/runtime";
import type { Pairwise } from "@wellapi/vault";

/** The patient of a call, as far as the call alone shows: the patient may not exist. */
export interface Subject {
  /** `<region>/<internal patient id>`. */
  readonly partition: string;
  /** Internal id. */
  readonly patient: string;
  /** Whether the caller is this very patient. */
  readonly own: boolean;
  /** Whether the caller's access token is for one patient, and this is another one. */
  readonly outsideToken: boolean;
}

/**
 * Finds the patient whom the caller means. Every id gives a subject: a malformed id stands for a patient who does not
 * exist, so it takes the same path, and the same time, as an unknown one.
 */
export function subjectOf(pairwise: Pairwise, region: string, caller: Caller, patientId: string): Subject {
  const { kind, id, partition, onlyPatient } = caller.principal;
  const patient = pairwise.inward(partyOf(caller), "pat", patientId) ?? nobody(patientId);
  if (kind === "patient" && id === patient && partition !== undefined) {
    return { partition, patient, own: true, outsideToken: false };
  }
  const asked = `${region}/${patient}`;
  const outsideToken = onlyPatient !== undefined && onlyPatient !== asked;
  return { partition: asked, patient, own: false, outsideToken };
}

/** Who shares the process with others: the caller's organization, or the patient. */
export function tenantOf({ principal }: Caller): string {
  return principal.organization ?? principal.id;
}

/** A patient id that was never given out: 128 bits of a hash of the sent id. */
function nobody(text: string): string {
  return `pat_${encodeId(createHash("sha256").update(text).digest().subarray(0, 16))}`;
}
