import type { Clock } from "@wellapi/runtime";
import type { PatientRepository } from "../patients/patient-repository.ts";
import { type Delegation, endOf } from "./delegation.ts";
import type { Minority } from "./majority.ts";

export interface InForceDeps {
  readonly patients: Pick<PatientRepository, "patient">;
  readonly minority: Pick<Minority, "majority">;
  readonly clock: Clock;
}

/** When the access ends by itself, UTC milliseconds; undefined: it does not. Throws `not_found` where the patient is unknown. */
export async function endTimeOf(
  { patients, minority }: Pick<InForceDeps, "patients" | "minority">,
  delegation: Delegation,
): Promise<number | undefined> {
  const { birthDate } = delegation.particulars;
  const zones = birthDate === undefined ? [] : await zonesOf({ patients }, delegation.partition);
  return endOf(delegation, zones, minority.majority);
}

/** Whether it is active now and has not ended by itself. A freeze of the record and other accesses of the account are not asked. */
export async function isInForce(deps: InForceDeps, delegation: Delegation): Promise<boolean> {
  if (delegation.state !== "active") return false;
  const end = await endTimeOf(deps, delegation);
  return end === undefined || deps.clock.now() < end;
}

/** The patient's, which decide when a birthday begins; none where the patient is erased. */
export async function zonesOf({ patients }: Pick<InForceDeps, "patients">, partition: string) {
  return (await patients.patient(partition)).profile?.timeZones ?? [];
}
