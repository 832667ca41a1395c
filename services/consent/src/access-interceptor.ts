import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { type AccessInit, type AccessLog, actorOf } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Caller, callerKey, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { type Consent, patientOf } from "./consent.ts";
import { ConsentError } from "./errors.ts";
import type { LeafOf } from "./revocation.ts";

/** Where the leaves of calls about no single patient lie. */
const servicePartition = "consent";

/** One call that leaves its mark in the log. */
export interface Call {
  readonly caller: Caller;
  /** Names the patient whom the call is about, and the consents that it showed or changed. */
  about(partition: string, consents?: readonly Consent[]): void;
  /** The leaf for a change of that patient's consents; `committed` once it is stored. */
  readonly leafOf: LeafOf;
  committed(): void;
}

export interface Accesses {
  /**
   * Runs a call. Its leaf is committed with its change; where it changed nothing or was denied, the leaf is
   * durable before the call is answered.
   */
  logged<T>(
    context: HandlerContext,
    method: DescMethod,
    requestId: string,
    work: (call: Call) => Promise<T>,
  ): Promise<T>;
  /** The leaf of a change that this service makes again because the journal says so. */
  replayed(partition: string): LeafOf;
}

const denials: ReadonlySet<Code> = new Set([
  Code.Aborted,
  Code.FailedPrecondition,
  Code.NotFound,
  Code.PermissionDenied,
]);

/** References in a leaf, so that it stays within the intake's 16 KiB. */
const mostReferences = 100;

export function createAccesses(accessLog: AccessLog, pairwise: Pairwise): Accesses {
  return {
    replayed: (partition) => (consents) =>
      accessLog.leaf(partition, true, {
        patient: pairwise.outward("installation", patientOf(partition)),
        actor: { kind: Actor_Kind.SERVICE, id: "consent" },
        workload: "consent",
        method: `${ConsentService.typeName}/${ConsentService.method.revokeConsent.name}`,
        phase: Access_Phase.CALL,
        outcome: Access_Outcome.PERMITTED,
        reason: "REPLAYED_AFTER_RESTORE",
        consents: referencesOf(consents),
        items: consents.length,
      }),
    async logged(context, method, requestId, work) {
      const caller = context.values.get(callerKey);
      let partition: string | undefined;
      let shown: readonly Consent[] = [];
      let committed = false;

      const entry = (consents: readonly Consent[], denial?: string): AccessInit => ({
        patient: partition === undefined ? "" : pairwise.outward(partyOf(caller), patientOf(partition)),
        actor: actorOf(caller, pairwise),
        organization: caller.principal.organization ?? "",
        credential: caller.principal.credential ?? "",
        workload: caller.workload,
        method: `${method.parent.typeName}/${method.name}`,
        phase: Access_Phase.CALL,
        outcome: denial === undefined ? Access_Outcome.PERMITTED : Access_Outcome.DENIED,
        reason: denial ?? "",
        consents: referencesOf(consents),
        items: consents.length,
        requestId,
      });
      const at = () => [partition ?? servicePartition, partition !== undefined] as const;
      const call: Call = {
        caller,
        about(whose, consents = []) {
          partition = whose;
          shown = consents;
        },
        leafOf: (consents) => accessLog.leaf(...at(), entry(consents)),
        committed() {
          committed = true;
          accessLog.notify();
        },
      };
      try {
        const answer = await work(call);
        if (!committed) await accessLog.record(...at(), entry(shown));
        return answer;
      } catch (error) {
        if (error instanceof ConsentError && denials.has(error.problem.code)) {
          await accessLog.record(...at(), entry([], error.problem.reason));
        }
        throw error;
      }
    },
  };
}

function referencesOf(consents: readonly Consent[]) {
  return consents.slice(0, mostReferences).map(({ id, version }) => ({ consent: id, version }));
}
