import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import { adopts } from "../accounts/account.ts";
import type { AccountChanges } from "../accounts/account-changes.ts";
import { patientInUse } from "../accounts/account-errors.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import { fromLifetime } from "../convert.ts";
import type { Answers } from "../credentials/answers.ts";
import { notFound } from "../errors.ts";
import { digestOf } from "../secret.ts";
import { claimCodes, claimedBy, claimInvalid, claimLifetime } from "./claim-code.ts";
import type { ClaimCodeRepository } from "./claim-code-repository.ts";
import type { PatientAccess } from "./patient-access.ts";
import type { PatientRepository } from "./patient-repository.ts";

const { method } = PatientService;

export interface ClaimHandlersDeps {
  readonly accesses: Accesses;
  readonly accounts: Pick<AccountRepository, "find" | "macOf">;
  readonly accountChanges: Pick<AccountChanges, "apply">;
  readonly answers: Answers;
  readonly claims: ClaimCodeRepository;
  readonly patients: PatientRepository;
  readonly patientAccess: PatientAccess;
  readonly clock: Clock;
  readonly ids: Ids;
}

type Handlers = ServiceImpl<typeof PatientService>;

/** The RPCs by which a person makes a patient their own whom somebody else enrolled: by a code, never by a name. */
export function createClaimHandlers(
  deps: ClaimHandlersDeps,
): Pick<Handlers, "createClaimCode" | "claimPatient"> {
  return { createClaimCode: createCode(deps), claimPatient: claim(deps) };
}

function createCode(deps: ClaimHandlersDeps): Handlers["createClaimCode"] {
  const { accesses, answers, claims, patients, patientAccess, clock, ids } = deps;
  return (request, context) =>
    accesses.logged(context, method.createClaimCode, "", async ({ caller, about, commit }) => {
      const lifetime = fromLifetime(request.lifetime, claimLifetime);
      const patient = await patients.patient(patientAccess.partition(caller, request.patient));
      about(patient);
      if (patient.profile === undefined) throw notFound("patient");
      const { partition } = patient;
      const { answer } = await answers.once(caller, method.createClaimCode, request, async (keep) => {
        const code = claimCodes.create();
        const expireTime = clock.now() + lifetime;
        const made = { code, expireTime: timestampFromMs(expireTime) };
        const stored = { id: ids.next("clm"), partition, fingerprint: digestOf(code), expireTime };
        const changes = [claims.insertion(stored), keep(partition, made)];
        return (await commit(patient)({ partition, changes })).committed ? made : undefined;
      });
      return answer;
    });
}

/**
 * First the code is the account's, then the patient: cut short in between, the same person's next try goes on, and nobody
 * else's does.
 */
function claim(deps: ClaimHandlersDeps): Handlers["claimPatient"] {
  const { accesses, accounts, accountChanges, claims, patients, patientAccess, clock } = deps;
  return async ({ code }, context) => {
    // No entry: anybody may try codes.
    if (!claimCodes.looksLike(code)) throw claimInvalid();
    const { partition } = await claims.withCode(code);
    return accesses.logged(context, method.claimPatient, "", async ({ caller, about, commit }) => {
      const patient = await patients.patient(partition);
      about(patient);
      if (patient.profile === undefined) throw claimInvalid();
      if ((await patients.frozenSince(partition)) !== undefined) throw claimInvalid();
      const { id: account, credential } = caller.principal;
      const own = (await accounts.find(account))?.account.patient;
      // Asked first, so that who cannot have the patient does not use the code up.
      if (own !== undefined && own !== patient.id) throw patientInUse();
      const by = accounts.macOf(account);
      await claims.use(code, (one) => claimedBy(one, by, clock.now()), commit(patient));
      const { workload } = caller;
      const call = { method: method.claimPatient, workload, ...(credential && { session: credential }) };
      await accountChanges.apply(account, { call, change: adopts(patient.id) });
      return { patient: patientAccess.outward(caller, patient.id) };
    });
  };
}
