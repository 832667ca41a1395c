import type { ServiceImpl } from "@connectrpc/connect";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { type Caller, callerKey, type PageTokens } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import { type Delegation, pausedUntil } from "../delegations/delegation.ts";
import { toDelegationMessage } from "../delegations/delegation-convert.ts";
import type { DelegationRepository } from "../delegations/delegation-repository.ts";
import type { Delegations } from "../delegations/delegations.ts";
import { callerNotPermitted, notFound } from "../errors.ts";
import { openPage } from "../page.ts";
import { patientIdOf } from "../patients/patient.ts";
import type { PatientAccess } from "../patients/patient-access.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import { disputeDecided, guardianNotActive } from "./guardianship-errors.ts";

const { method } = GuardianshipService;

export interface DisputeHandlersDeps {
  readonly accesses: Accesses;
  readonly delegations: DelegationRepository;
  readonly acting: Delegations;
  readonly patients: PatientRepository;
  readonly patientAccess: PatientAccess;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}

export type DisputeHandlers = Pick<
  ServiceImpl<typeof GuardianshipService>,
  "listGuardianships" | "disputeGuardian" | "listDisputes"
>;

export function createDisputeHandlers(deps: DisputeHandlersDeps): DisputeHandlers {
  const { accesses, delegations, acting, patientAccess, pageTokens, clock } = deps;
  return {
    async listGuardianships(request, context) {
      const caller = context.values.get(callerKey);
      const page = openPage(pageTokens, caller, method.listGuardianships, request);
      const { items, cursor } = await delegations.pageOfAccount(caller.principal.id, page.request);
      const guardians = items.filter(({ kind }) => kind === "guardian");
      const acts = await acting.ofAccount(caller.principal.id);
      const actsFor = new Set(acts.flatMap(({ kind, partition }) => (kind === "guardian" ? partition : [])));
      return {
        guardianships: await Promise.all(guardians.map((one) => toGuardianship(deps, one, actsFor, caller))),
        nextPageToken: page.nextPageToken(cursor),
      };
    },
    disputeGuardian({ delegation: id, reason }, context) {
      return accesses.logged(context, method.disputeGuardian, "", async (call) => {
        const { caller } = call;
        const by = caller.principal.actor?.id ?? "";
        const may = (one: Delegation) => mayDispute(caller, one, by, clock.now());
        const disputed = await acting.dispute(id, { by, reason }, may, call);
        return { delegation: toDelegationMessage(disputed, await acting.endOf(disputed), false) };
      });
    },
    listDisputes(request, context) {
      return accesses.logged(context, method.listDisputes, "", async ({ caller, about }) => {
        const page = openPage(pageTokens, caller, method.listDisputes, request);
        const { items, cursor } = await delegations.disputed(page.request);
        about(...items.map(({ partition }) => ({ id: patientIdOf(partition)!, partition })));
        const disputes = items.map(async (one) => ({
          delegation: toDelegationMessage(one, await acting.endOf(one), true),
          patient: patientAccess.outward(caller, patientIdOf(one.partition)!),
        }));
        return { disputes: await Promise.all(disputes), nextPageToken: page.nextPageToken(cursor) };
      });
    },
  };
}

/** What is not the caller's to know of is answered as what does not exist. */
function mayDispute({ principal }: Caller, one: Delegation, by: string, now: number): void {
  if (one.partition !== principal.partition || one.kind !== "guardian") throw notFound("delegation");
  if (principal.actor !== undefined && principal.actor.kind !== "guardian")
    throw callerNotPermitted("the patient and the guardians dispute a guardian, nobody else");
  if (by !== "" && one.particulars.account === by)
    throw callerNotPermitted("it is your own: give it up instead (EndDelegation)");
  if (one.disputeTime !== undefined) return;
  if (one.state !== "active" && one.state !== "disputed") throw guardianNotActive();
  const until = pausedUntil(one, by, now);
  if (until !== undefined) throw disputeDecided(until - now);
}

async function toGuardianship(
  { acting, patients, patientAccess }: DisputeHandlersDeps,
  one: Delegation,
  /** The partitions of patients for whom the caller acts as a guardian now. */
  actsFor: ReadonlySet<string>,
  caller: Caller,
) {
  const { partition, state } = one;
  const patient = await patients.patient(partition);
  const acts = actsFor.has(partition) && state === "active";
  const named = acts || state === "disputed";
  return {
    delegation: toDelegationMessage(one, await acting.endOf(one), false),
    patient: acts ? patientAccess.outward(caller, patient.id) : "",
    patientName: named ? (patient.profile?.displayName ?? "") : "",
  };
}
