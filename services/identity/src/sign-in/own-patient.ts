import type { DescMethod } from "@bufbuild/protobuf";
import { type AccessLog, entryOf } from "@wellapi/access-log";
import type { Clock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import type { Account } from "../accounts/account.ts";
import type { CreationOf } from "../creation.ts";
import { partitionOf } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";

/**
 * Makes the patient of an account that says it has one, unless there is one: at its registration, or at the next sign-in
 * where that was cut short.
 */
export type EnsureOwnPatient = (account: Account, method: DescMethod, workload: string) => Promise<void>;

export function createEnsureOwnPatient(deps: {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly patients: PatientRepository;
  readonly creationOf: CreationOf;
  readonly clock: Clock;
  readonly region: string;
}): EnsureOwnPatient {
  const { store, accessLog, pairwise, patients, creationOf, clock, region } = deps;
  return async ({ id: account, patient: id, displayName, timeZone }, method, workload) => {
    if (id === undefined) return;
    const partition = partitionOf(region, id);
    if (await patients.exists(partition)) return;
    const entry = entryOf(pairwise, {
      caller: { principal: { kind: "person", id: account }, workload, token: "" },
      method: `${method.parent.typeName}/${method.name}`,
      patient: id,
      outcome: "permitted",
      reason: "PATIENT_CREATED",
      consents: [],
      items: 0,
      requestId: "",
    });
    const profile = { displayName, timeZones: [{ timeZone }] };
    await patients.create(
      { id, partition, homeRegion: region, createTime: clock.now(), profile },
      creationOf(account, "own patient"),
      async (change) => {
        const { change: leaf } = accessLog.leaf(partition, true, entry);
        const result = await store.commit({ ...change, changes: [...change.changes, leaf] });
        if (result.committed) accessLog.notify();
        return result;
      },
    );
  };
}
