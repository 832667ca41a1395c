import type { Clock, Ids } from "@wellapi/runtime";
import type { Change, Store } from "@wellapi/store";
import { DAY } from "../credentials/credential.ts";
import { createWindowLimit } from "../limits/window-limit.ts";
import { asksForGuardian, type ClaimCode, claimCodes, guardianCodes } from "../patients/claim-code.ts";
import type { ClaimCodeRepository } from "../patients/claim-code-repository.ts";
import type { Patient } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import { digestOf } from "../secret.ts";
import { guardianCodeInvalid, petitionsLimited } from "./guardianship-errors.ts";
import { guardianCodeLifetime, mostAsked } from "./petition.ts";

/** Codes by which persons ask for guardianship. */
export interface GuardianCodes {
  /** A code, and the change that stores it. `organization`: who verifies; empty: the privacy officer. Throws `petition_limit`. */
  create(
    patient: Patient,
    organization: string,
  ): Promise<{ readonly text: string; readonly expireTime: number; readonly change: Change }>;
  /** Throws `guardian_code_invalid`: one answer for unknown, used, too old, and where nobody can act for the patient. */
  inForce(text: string): Promise<{
    readonly code: ClaimCode;
    readonly patient: Patient;
    /** Stores that the account used it; refused as a conflict where it changed meanwhile. */
    readonly usedBy: (accountMac: string) => Change;
  }>;
}

export function createGuardianCodes(deps: {
  readonly store: Store;
  readonly claims: ClaimCodeRepository;
  readonly patients: PatientRepository;
  readonly clock: Clock;
  readonly ids: Ids;
}): GuardianCodes {
  const { store, claims, patients, clock, ids } = deps;
  const windows = [{ ms: DAY, most: mostAsked.codes }];
  const limit = createWindowLimit({
    store,
    clock,
    scope: "guardian-codes",
    windows,
    limited: petitionsLimited,
  });
  return {
    async create({ id, partition }, organization) {
      await limit.take(id);
      const text = guardianCodes.create();
      const expireTime = clock.now() + guardianCodeLifetime;
      const code: ClaimCode = {
        id: ids.next("clm"),
        partition,
        fingerprint: digestOf(text),
        expireTime,
        use: "guardian",
        ...(organization !== "" && { organization }),
      };
      return { text, expireTime, change: claims.insertion(code) };
    },
    async inForce(text) {
      if (!guardianCodes.looksLike(text) && !claimCodes.looksLike(text)) throw guardianCodeInvalid();
      const found = await claims.find(text);
      if (found === undefined || !asksForGuardian(found.code, clock.now())) throw guardianCodeInvalid();
      const { code, changed } = found;
      const patient = await patients.patient(code.partition);
      if (patient.profile === undefined) throw guardianCodeInvalid();
      if ((await patients.frozenSince(code.partition)) !== undefined) throw guardianCodeInvalid();
      return {
        code,
        patient,
        usedBy: (accountMac) => changed({ ...code, accountMac, use: "guardian" }),
      };
    },
  };
}
