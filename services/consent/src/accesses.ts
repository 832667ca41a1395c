import {
  type AccessLog,
  createLoggedCalls,
  entryOf,
  type LoggedCall,
  type RunLogged,
} from "@wellapi/access-log";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import type { Caller } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { type Consent, patientOf } from "./consent.ts";
import type { LeafOf } from "./revocation.ts";

/** The partition of leaves of calls that are about no single patient. */
const servicePartition = "consent";

/** One call that leaves an entry in the log. */
export interface Call {
  readonly caller: Caller;
  /** Names the patient of the call, and the consents that it showed or changed. */
  about(partition: string, consents?: readonly Consent[]): void;
  /** The leaf for a change of that patient's consents; `committed` once it is stored. */
  readonly leafOf: LeafOf;
  committed(): void;
}

export interface Accesses {
  readonly logged: RunLogged<Call>;
  /** The leaf of a change that this service repeats because of an entry of the journal. */
  replayed(partition: string): LeafOf;
}

export function createAccesses(accessLog: AccessLog, pairwise: Pairwise): Accesses {
  const calls = createLoggedCalls({ accessLog, pairwise, home: servicePartition });
  return {
    logged: (context, method, requestId, work) =>
      calls.run(context, method, requestId, (call) => work(callOf(call))),
    replayed: (partition) => (consents) =>
      accessLog.leaf(
        partition,
        true,
        entryOf(pairwise, {
          caller: { principal: { kind: "service", id: "consent" }, workload: "consent", token: "" },
          method: `${ConsentService.typeName}/${ConsentService.method.revokeConsent.name}`,
          patient: patientOf(partition),
          outcome: "permitted",
          reason: "REPLAYED_AFTER_RESTORE",
          consents: consents.map(({ id, version }) => ({ consent: id, version })),
          items: consents.length,
          requestId: "",
        }),
      ),
  };
}

/** A change of consents concerns one patient. */
function callOf({ caller, about, leaf, committed }: LoggedCall): Call {
  let patient: { readonly id: string; readonly partition: string } | undefined;
  return {
    caller,
    committed,
    about(partition, consents) {
      patient = { id: patientOf(partition), partition };
      about(patient, consents);
    },
    leafOf: (consents) => leaf(patient, consents),
  };
}
