import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { type AccessInit, type AccessLog, actorOf } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Entry } from "@wellapi/journal";
import { type Caller, callerKey, partyOf } from "@wellapi/rpc";
import type { Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import { INSTALLATION } from "./collections.ts";
import type { CommitWithLeaf } from "./creation.ts";
import { IdentityError } from "./errors.ts";
import { type Patient, patientIdOf } from "./patient.ts";

type Subject = Pick<Patient, "id" | "partition">;

/** One call that leaves its mark in the log. */
export interface Call {
  readonly caller: Caller;
  /** Commits a change together with the call's leaf, which is the patient's where the change is about one. */
  commit(patient?: Subject): CommitWithLeaf;
  /** Names patients whom a call without a change, or a denied one, is about: each gets a leaf. */
  about(...patients: readonly Subject[]): void;
}

/** Sees to it that calls leave leaves. */
export interface Accesses {
  /**
   * Runs a call that changes something or touches a patient. Its leaf is committed with the change, or, where it
   * changed nothing or was denied, durable before the call is answered.
   */
  logged<T>(
    context: HandlerContext,
    method: DescMethod,
    requestId: string,
    work: (call: Call) => Promise<T>,
  ): Promise<T>;
}

const denials: ReadonlySet<Code> = new Set([Code.PermissionDenied, Code.NotFound, Code.FailedPrecondition]);

export function createAccesses(deps: {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
}): Accesses {
  const { store, accessLog, pairwise } = deps;

  return {
    async logged(context, method, requestId, work) {
      const caller = context.values.get(callerKey);
      const subjects: Subject[] = [];
      let committed = false;

      const entry = (patient: Subject | undefined, denial?: string): AccessInit => ({
        patient: patient ? pairwise.outward(partyOf(caller), patient.id) : "",
        actor: actorOf(caller, pairwise),
        organization: caller.principal.organization ?? "",
        credential: caller.principal.credential ?? "",
        workload: caller.workload,
        method: `${method.parent.typeName}/${method.name}`,
        phase: Access_Phase.CALL,
        outcome: denial === undefined ? Access_Outcome.PERMITTED : Access_Outcome.DENIED,
        reason: denial ?? "",
        requestId,
      });
      const record = async (denial?: string) => {
        const about = subjects.length > 0 ? subjects : [undefined];
        await Promise.all(
          about.map((patient) =>
            accessLog.record(
              patient?.partition ?? INSTALLATION,
              patient !== undefined,
              entry(patient, denial),
            ),
          ),
        );
      };
      const commit =
        (patient?: Subject): CommitWithLeaf =>
        async (change) => {
          const leaf = accessLog.leaf(change.partition, patient !== undefined, entry(patient));
          const result = await store.commit({ ...change, changes: [...change.changes, leaf.change] });
          if (result.committed) {
            committed = true;
            accessLog.notify();
          }
          return result;
        };

      try {
        const answer = await work({ caller, commit, about: (...patients) => subjects.push(...patients) });
        if (!committed) await record();
        return answer;
      } catch (error) {
        if (error instanceof IdentityError && denials.has(error.problem.code)) {
          await record(error.problem.reason);
        }
        throw error;
      }
    },
  };
}

/** The RPC by which a change was first made that the journal tells of. */
function changedBy(kind: Entry["kind"]): DescMethod {
  const { method } = OrganizationService;
  switch (kind) {
    case "patient_erased":
      return PatientDirectoryService.method.markErased;
    case "organization_disabled":
      return method.disableOrganization;
    case "organization_enabled":
      return method.enableOrganization;
    case "organization_deleted":
      return method.deleteOrganization;
    case "application_disabled":
      return method.disableApplication;
    case "application_enabled":
      return method.enableApplication;
    case "application_deleted":
      return method.deleteApplication;
    default:
      return CredentialService.method.revokeCredential;
  }
}

/** What the log says of a change that is made again because the journal says so. */
export function replayedAccess(pairwise: Pairwise, { kind, partition }: Entry): AccessInit {
  const method = changedBy(kind);
  const patient = kind === "patient_erased" ? patientIdOf(partition) : undefined;
  return {
    patient: patient === undefined ? "" : pairwise.outward("installation", patient),
    actor: { kind: Actor_Kind.SERVICE, id: "identity" },
    workload: "identity",
    method: `${method.parent.typeName}/${method.name}`,
    phase: Access_Phase.CALL,
    outcome: Access_Outcome.PERMITTED,
    reason: "REPLAYED_AFTER_RESTORE",
  };
}
