import type { Caller } from "@wellapi/rpc";
import { notFound, testPatientsOnly, tooManyTestPatients } from "../errors.ts";
import type { Patient } from "./patient.ts";
import type { PatientRepository } from "./patient-repository.ts";

/** How many test patients an organization has who are not erased; requests at once may make it a few more. */
export const mostTestPatients = 24;

/**
 * Patients who do not exist. In a sandbox the members and the applications of an organization enrol them, and act as them: as those
 * of their own organization, and as nobody else.
 */
export interface TestPatients {
  /** The organization whose test patients the caller deals with; undefined: an operator, who deals with all. Throws `sandbox_only`. */
  organizationOf(caller: Caller): string | undefined;
  /** How many more there may be. */
  left(organization: string): Promise<number>;
  /** Throws `too_many_test_patients`. */
  checkRoom(organization: string): Promise<void>;
  /** Throws `not_found` where a member or an application names a patient who is not one of theirs, whether there is such a patient or not. */
  checkOwn(caller: Caller, patient: Patient): void;
}

export function createTestPatients(deps: {
  readonly patients: Pick<PatientRepository, "testPatients">;
  readonly sandbox: boolean;
}): TestPatients {
  const { patients, sandbox } = deps;

  function organizationOf({ principal }: Caller): string | undefined {
    if (principal.kind !== "member" && principal.kind !== "application") return undefined;
    if (!sandbox) throw testPatientsOnly();
    return principal.organization;
  }

  async function left(organization: string): Promise<number> {
    const { items } = await patients.testPatients(organization, { size: mostTestPatients });
    return Math.max(0, mostTestPatients - items.length);
  }

  return {
    organizationOf,
    left,
    async checkRoom(organization) {
      if ((await left(organization)) === 0) throw tooManyTestPatients(mostTestPatients);
    },
    checkOwn(caller, { testOf }) {
      const organization = organizationOf(caller);
      if (organization !== undefined && testOf !== organization) throw notFound("patient");
    },
  };
}
