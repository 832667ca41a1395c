import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import type { Caller, PageTokens } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import type { Answers } from "../credentials/answers.ts";
import { checkBirthDate } from "../delegations/majority.ts";
import { callerNotPermitted, notFound } from "../errors.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { checkTrusted } from "../organizations/own-organization.ts";
import { shownName } from "../organizations/shown-name.ts";
import { openPage } from "../page.ts";
import { patientIdOf } from "../patients/patient.ts";
import type { PatientAccess } from "../patients/patient-access.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { DisputeHandlers } from "./dispute-handlers.ts";
import type { GuardianCodes } from "./guardian-codes.ts";
import { type Petition, petitionLifetime } from "./petition.ts";
import { fromDecision, toPetitionMessage } from "./petition-convert.ts";
import type { PetitionRepository } from "./petition-repository.ts";
import type { Petitions } from "./petitions.ts";

const { method } = GuardianshipService;

export interface GuardianshipHandlersDeps {
  readonly accesses: Accesses;
  readonly answers: Answers;
  readonly codes: GuardianCodes;
  readonly petitions: PetitionRepository;
  readonly asking: Petitions;
  readonly organizations: Pick<OrganizationRepository, "organization" | "isTrusted">;
  readonly patients: PatientRepository;
  readonly patientAccess: PatientAccess;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}

/** Of petitions; those of disputes are beside it. */
export type PetitionHandlers = Omit<ServiceImpl<typeof GuardianshipService>, keyof DisputeHandlers>;

export function createPetitionHandlers(deps: GuardianshipHandlersDeps): PetitionHandlers {
  return { ...createCodeHandlers(deps), ...createAskHandlers(deps), ...createDecisionHandlers(deps) };
}

function createCodeHandlers(
  deps: GuardianshipHandlersDeps,
): Pick<PetitionHandlers, "createGuardianCode" | "getGuardianCode"> {
  const { accesses, answers, codes, organizations, patients, patientAccess } = deps;
  return {
    createGuardianCode(request, context) {
      return accesses.logged(context, method.createGuardianCode, "", async ({ caller, about, commit }) => {
        await checkTrusted(caller, organizations);
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        const { actor, organization = "" } = caller.principal;
        if (actor?.kind === "carer") throw callerNotPermitted("a carer brings in nobody: the patient does");
        if (patient.profile === undefined) throw notFound("patient");
        const { partition } = patient;
        const { answer } = await answers.once(caller, method.createGuardianCode, request, async (keep) => {
          const { text: code, expireTime, change } = await codes.create(patient, organization);
          const made = { code, expireTime: timestampFromMs(expireTime) };
          const changes = [change, keep(partition, made)];
          return (await commit(patient)({ partition, changes })).committed ? made : undefined;
        });
        return answer;
      });
    },
    async getGuardianCode({ code: text }) {
      const { code } = await codes.inForce(text);
      const { organization = "", expireTime } = code;
      return {
        organization,
        organizationName: organization === "" ? "" : await shownName(organizations, organization),
        expireTime: timestampFromMs(expireTime),
      };
    },
  };
}

function createAskHandlers(
  deps: GuardianshipHandlersDeps,
): Pick<PetitionHandlers, "createPetition" | "withdrawPetition"> {
  const { accesses, asking, clock } = deps;
  return {
    createPetition(request, context) {
      return accesses.logged(context, method.createPetition, "", async (call) => {
        const { code, displayName, patientName, grounds, birthDate, groundsEndTime, requestId } = request;
        if (birthDate !== "") checkBirthDate(birthDate, clock.now());
        const said = {
          displayName,
          patientName,
          grounds,
          ...(birthDate !== "" && { birthDate }),
          ...(groundsEndTime !== undefined && { groundsEnd: timestampMs(groundsEndTime) }),
        };
        const { id } = call.caller.principal;
        const petition = await asking.ask(id, { code, said, requestId }, call);
        return { petition: await toMessage(deps, call.caller, petition) };
      });
    },
    withdrawPetition({ petition: id }, context) {
      return accesses.logged(context, method.withdrawPetition, "", async (call) => {
        const { caller } = call;
        const withdrawn = await asking.withdraw(id, caller.principal.id, call);
        return { petition: await toMessage(deps, caller, withdrawn) };
      });
    },
  };
}

function createDecisionHandlers(
  deps: GuardianshipHandlersDeps,
): Pick<PetitionHandlers, "listPetitions" | "decidePetition"> {
  const { accesses, asking, petitions, pageTokens, clock } = deps;

  function pageFor(
    { principal }: Caller,
    page: Parameters<PetitionRepository["ofAccount"]>[1],
  ): ReturnType<PetitionRepository["ofAccount"]> {
    const { kind, id, partition = "", organization } = principal;
    if (kind === "person") return petitions.ofAccount(id, page);
    if (kind === "patient") return petitions.ofPatient(partition, page);
    const after = clock.now() - petitionLifetime;
    // Without an organization a member sees none: an empty one means the privacy officer's.
    return petitions.waiting(kind === "operator" ? undefined : organization || "none", after, page);
  }

  return {
    listPetitions(request, context) {
      return accesses.logged(context, method.listPetitions, "", async ({ caller, about }) => {
        const page = openPage(pageTokens, caller, method.listPetitions, request);
        const { items, cursor } = await pageFor(caller, page.request);
        // A person sees what they wrote themselves.
        if (caller.principal.kind !== "person") {
          about(...items.map(({ partition }) => ({ id: patientIdOf(partition)!, partition })));
        }
        return {
          petitions: await Promise.all(items.map((one) => toMessage(deps, caller, one))),
          nextPageToken: page.nextPageToken(cursor),
        };
      });
    },
    decidePetition({ petition: id, state, reason, birthDate, groundsEndTime }, context) {
      return accesses.logged(context, method.decidePetition, "", async (call) => {
        const { caller } = call;
        await checkTrusted(caller, deps.organizations);
        const { kind, organization = "" } = caller.principal;
        const may = (petition: Petition) => {
          const own = organization !== "" && petition.organization === organization;
          if (kind !== "operator" && !own) throw notFound("petition");
        };
        if (birthDate !== "") checkBirthDate(birthDate, clock.now());
        const decision = {
          state: fromDecision(state),
          reason,
          organization,
          ...(birthDate !== "" && { birthDate }),
          ...(groundsEndTime !== undefined && { groundsEnd: timestampMs(groundsEndTime) }),
        };
        const decided = await asking.decide(id, decision, may, call);
        return { petition: await toMessage(deps, caller, decided) };
      });
    },
  };
}

async function toMessage(
  { organizations, patientAccess, clock }: GuardianshipHandlersDeps,
  caller: Caller,
  petition: Petition,
) {
  const { kind } = caller.principal;
  const { partition, organization } = petition;
  const patient = kind === "person" ? "" : patientAccess.outward(caller, patientIdOf(partition)!);
  const organizationName = organization === "" ? "" : await shownName(organizations, organization);
  const reader = { patient, organizationName, readsGrounds: kind !== "patient" };
  return toPetitionMessage(petition, reader, clock.now());
}
