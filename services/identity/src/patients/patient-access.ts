import { type Caller, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { callerNotPermitted, notFound } from "../errors.ts";
import { partitionOf } from "./patient.ts";

/** Finds the patient by the caller's own id for them, and checks whether the caller may act. */
export interface PatientAccess {
  /**
   * The patient's partition. An operator gets `not_found` for an unknown id; a patient gets `caller_not_permitted`
   * for every id but their own, whether the patient exists or not.
   */
  partition(caller: Caller, outwardId: string): string;
  outward(caller: Caller, internalId: string): string;
  /** By which patients name themselves, and their tokens them. */
  own(internalId: string): string;
}

export function createPatientAccess(pairwise: Pairwise, region: string): PatientAccess {
  return {
    partition(caller, outwardId) {
      const id = pairwise.inward(partyOf(caller), "pat", outwardId);
      const { principal } = caller;
      if (principal.kind === "patient" && id !== principal.id) {
        throw callerNotPermitted("a patient may only use their own entry");
      }
      if (id === undefined) throw notFound("patient");
      return partitionOf(region, id);
    },
    outward: (caller, internalId) => pairwise.outward(partyOf(caller), internalId),
    own: (internalId) => pairwise.outward("installation", internalId),
  };
}
