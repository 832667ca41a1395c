import { createHash } from "node:crypto";
import type { Caller } from "@wellapi/rpc";
import { partyOf } from "@wellapi/rpc";
import { encodeId } from "@wellapi/runtime";
import type { Pairwise } from "@wellapi/vault";

/** The patient that a call is about, as far as the call alone can tell: there may be no such patient. */
export interface Subject {
  /** `<region>/<internal patient id>`. */
  readonly partition: string;
  /** Internal id. */
  readonly patient: string;
  /** Whether the caller is this very patient. */
  readonly own: boolean;
}

/**
 * Whom the caller means. Every id means somebody: one that is malformed stands for a patient who does not
 * exist, so that it takes the same way, and the same time, as an unknown one.
 */
export function subjectOf(pairwise: Pairwise, region: string, caller: Caller, patientId: string): Subject {
  const { kind, id, partition } = caller.principal;
  const patient = pairwise.inward(partyOf(caller), "pat", patientId) ?? nobody(patientId);
  if (kind === "patient" && id === patient && partition !== undefined) {
    return { partition, patient, own: true };
  }
  return { partition: `${region}/${patient}`, patient, own: false };
}

/** A patient id that was never given: 128 bits of a hash of what was sent. */
function nobody(text: string): string {
  return `pat_${encodeId(createHash("sha256").update(text).digest().subarray(0, 16))}`;
}
