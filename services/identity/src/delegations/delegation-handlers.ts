import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import type { Caller, PageTokens } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import { notFound } from "../errors.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { checkTrusted } from "../organizations/own-organization.ts";
import { openPage } from "../page.ts";
import type { PatientAccess } from "../patients/patient-access.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { Delegation, State } from "./delegation.ts";
import { fromState, kindMessages, toDelegationMessage } from "./delegation-convert.ts";
import type { DelegationRepository } from "./delegation-repository.ts";
import { type Delegations, refuse } from "./delegations.ts";
import { checkBirthDate } from "./majority.ts";

const { method } = DelegationService;

export interface DelegationHandlersDeps {
  readonly accesses: Accesses;
  readonly delegations: DelegationRepository;
  readonly acting: Delegations;
  readonly organizations: Pick<OrganizationRepository, "organization" | "isTrusted">;
  readonly patients: PatientRepository;
  readonly patientAccess: PatientAccess;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}

type Handlers = ServiceImpl<typeof DelegationService>;

export function createDelegationHandlers(deps: DelegationHandlersDeps): Handlers {
  return { ...createOfferHandlers(deps), ...createChangeHandlers(deps) };
}

function createOfferHandlers(
  deps: DelegationHandlersDeps,
): Pick<
  Handlers,
  "inviteCarer" | "inviteGuardian" | "inviteRepresentative" | "getDelegationOffer" | "acceptDelegation"
> {
  const { accesses, acting, organizations, patients, patientAccess, clock } = deps;
  return {
    inviteCarer(request, context) {
      return accesses.logged(context, method.inviteCarer, "", async (call) => {
        const { caller, about } = call;
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        if (caller.principal.actor?.kind === "carer") refuse("a carer invites nobody: the patient does");
        const { email, displayName, language, requestId } = request;
        const particulars = { email, displayName, language };
        const asked = { kind: "carer", organization: "", particulars, requestId } as const;
        return { delegation: await toMessage(deps, await acting.invite(patient, asked, call), caller) };
      });
    },
    inviteGuardian(request, context) {
      return accesses.logged(context, method.inviteGuardian, "", async (call) => {
        const { caller, about } = call;
        await checkTrusted(caller, organizations);
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        const { email, displayName, language, grounds, birthDate, expireTime, requestId } = request;
        if (birthDate !== "") checkBirthDate(birthDate, clock.now());
        const particulars = {
          email,
          displayName,
          language,
          grounds,
          ...(birthDate !== "" && { birthDate }),
          ...(expireTime !== undefined && { groundsEnd: timestampMs(expireTime) }),
        };
        const organization = caller.principal.organization ?? "";
        const asked = { kind: "guardian", organization, particulars, requestId } as const;
        return { delegation: await toMessage(deps, await acting.invite(patient, asked, call), caller) };
      });
    },
    inviteRepresentative(request, context) {
      return accesses.logged(context, method.inviteRepresentative, "", async (call) => {
        const { caller, about } = call;
        await checkTrusted(caller, organizations);
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        const { email, displayName, language, grounds, expireTime, requestId } = request;
        const end = expireTime === undefined ? {} : { groundsEnd: timestampMs(expireTime) };
        const particulars = { email, displayName, language, grounds, ...end };
        const organization = caller.principal.organization ?? "";
        const asked = { kind: "representative", organization, particulars, requestId } as const;
        return { delegation: await toMessage(deps, await acting.invite(patient, asked, call), caller) };
      });
    },
    async getDelegationOffer({ code }) {
      const { offer, patient } = await acting.offered(code);
      return {
        kind: kindMessages[offer.kind],
        patientName: patient.profile?.displayName ?? "",
        expireTime: timestampFromMs(offer.expireTime ?? 0),
      };
    },
    acceptDelegation({ code }, context) {
      return accesses.logged(context, method.acceptDelegation, "", async (call) => {
        const { caller } = call;
        const { id, kind, partition } = await acting.accept(code, caller.principal.id, call);
        const patient = await patients.patient(partition);
        return {
          kind: kindMessages[kind],
          patient: patientAccess.outward(caller, patient.id),
          delegation: id,
        };
      });
    },
  };
}

function createChangeHandlers(
  deps: DelegationHandlersDeps,
): Pick<Handlers, "listDelegations" | "endDelegation" | "setGuardianState"> {
  const { accesses, delegations, acting, patients, patientAccess, pageTokens } = deps;
  return {
    listDelegations(request, context) {
      return accesses.logged(context, method.listDelegations, "", async ({ caller, about }) => {
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        const page = openPage(pageTokens, caller, method.listDelegations, request);
        const { items, cursor } = await delegations.ofPatient(patient.partition, page.request);
        const { kind, organization } = caller.principal;
        const shown = items.filter((one) => kind !== "member" || one.organization === organization);
        return {
          delegations: await Promise.all(shown.map((one) => toMessage(deps, one, caller))),
          nextPageToken: page.nextPageToken(cursor),
        };
      });
    },
    endDelegation({ delegation: id }, context) {
      return accesses.logged(context, method.endDelegation, "", async (call) => {
        const { caller } = call;
        const may = (one: Delegation) => mayEnd(caller, one);
        const ended = await acting.change(id, { state: "ended" }, may, call);
        return { delegation: await toMessage(deps, ended, caller) };
      });
    },
    setGuardianState({ delegation: id, state, reason }, context) {
      return accesses.logged(context, method.setGuardianState, "", async (call) => {
        const { caller } = call;
        const to = { state: fromState(state), reason };
        const changed = await acting.change(id, to, (one) => mayVerify(caller, one, to.state), call);
        return { delegation: await toMessage(deps, changed, caller) };
      });
    },
  };
}

/** What is not the caller's to know of is answered as what does not exist. */
function mayEnd({ principal }: Caller, { partition, kind, state, particulars }: Delegation): void {
  if (principal.kind === "person") {
    if (particulars.account !== principal.id) throw notFound("delegation");
    // Who is blocked or disputed stays so: giving it up must not open the way to a new invitation.
    if (state === "blocked" || state === "disputed") refuse("it is disputed or blocked, and over for you");
    return;
  }
  if (partition !== principal.partition) throw notFound("delegation");
  if (principal.actor?.kind === "carer") refuse("a carer ends their own access only, as the person they are");
  if (kind !== "carer") refuse("a guardian's or representative's access is ended by who verified it");
}

function mayVerify(
  { principal }: Caller,
  { kind, state, organization, disputeTime, particulars }: Delegation,
  to: State,
): void {
  const own = principal.kind === "operator" || organization === principal.organization;
  if (!own || kind === "carer") throw notFound("delegation");
  if (principal.kind !== "operator") {
    if (kind === "representative" && to === "active")
      refuse("a representative is confirmed by the privacy officer");
    if (state === "blocked") refuse("a block is lifted by the privacy officer");
    // Disputed, it could be set active again in a second step.
    if (state === "ended" && (to === "active" || to === "disputed"))
      refuse("what is over is begun again by the privacy officer");
    // Also not ended: the same person could be invited again before the officer has looked.
    if (disputeTime !== undefined && (to === "active" || to === "ended"))
      refuse("a dispute of the patient's or another guardian's is decided by the privacy officer");
  }
  // Nobody has accepted: it must not come into force without.
  if (particulars.account === undefined && to !== "ended")
    refuse("nobody has accepted it: it can only be ended");
}

async function toMessage({ acting }: DelegationHandlersDeps, delegation: Delegation, { principal }: Caller) {
  const verifies = principal.kind === "operator" || principal.kind === "member";
  return toDelegationMessage(delegation, await acting.endOf(delegation), verifies);
}
