import type { DescMethod } from "@bufbuild/protobuf";
import {
  type AccessLog,
  createLoggedCalls,
  entryOf,
  type LoggedCall,
  type RunLogged,
} from "@wellapi/access-log";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { type Caller, rpcNameOf } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";
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
  /** Names the emergency access that the call opens or ends. */
  emergency(access: string): void;
  /** The leaf for a change of that patient's consents; `committed` once it is stored. */
  readonly leafOf: LeafOf;
  /** The same for one of several patients, each of whom gets an entry. */
  leafAbout(partition: string): LeafOf;
  committed(): void;
}

export interface Accesses {
  readonly logged: RunLogged<Call>;
  /** The leaf of a change that this service repeats because of an entry of the journal: a revocation unless `method` says what. */
  replayed(partition: string, method?: DescMethod, emergencyAccess?: string): LeafOf;
}

/** Before the work of a call it is known what time it is for each organization: `times` is read without waiting from then on. */
export function createAccesses(
  accessLog: AccessLog,
  pairwise: Pairwise,
  times: Pick<OrganizationTimes, "look">,
): Accesses {
  const calls = createLoggedCalls({ accessLog, pairwise, home: servicePartition });
  return {
    logged: (context, method, requestId, work) =>
      calls.run(context, method, requestId, async (call) => {
        await times.look();
        return work(callOf(call));
      }),
    replayed:
      (partition, method = ConsentService.method.revokeConsent, emergencyAccess = "") =>
      (consents) =>
        accessLog.leaf(partition, true, {
          ...entryOf(pairwise, {
            caller: { principal: { kind: "service", id: "consent" }, workload: "consent", token: "" },
            method: rpcNameOf(method),
            patient: patientOf(partition),
            outcome: "permitted",
            reason: "REPLAYED_AFTER_RESTORE",
            consents: consents.map(({ id, version }) => ({ consent: id, version })),
            items: consents.length,
            requestId: "",
          }),
          emergencyAccess,
        }),
  };
}

/** Nearly every change of consents concerns one patient. */
function callOf({ caller, about, emergency, leaf, committed }: LoggedCall): Call {
  const subjectOf = (partition: string) => ({ id: patientOf(partition), partition });
  let patient: ReturnType<typeof subjectOf> | undefined;
  return {
    caller,
    committed,
    emergency,
    about(partition, consents) {
      patient = subjectOf(partition);
      about(patient, consents);
    },
    leafOf: (consents) => leaf(patient, consents),
    leafAbout: (partition) => (consents) => leaf(subjectOf(partition), consents),
  };
}
