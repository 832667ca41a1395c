import { createFollower } from "@wellapi/journal";
import { replayedAccess } from "./accesses.ts";
import { createAccounts } from "./accounts/room.ts";
import { createOrganizationClockRepository } from "./clocks/organization-clock-repository.ts";
import type { IdentityConfig, IdentityDeps } from "./config.ts";
import { createCredentialRepository } from "./credentials/credential-repository.ts";
import { createFrozenRecords } from "./death/frozen-records.ts";
import { openDelegationRepository } from "./delegations/room.ts";
import { createInstallationKeyRepository } from "./installation-key-repository.ts";
import { createReplay } from "./journal-entries.ts";
import { createLimitRepository } from "./limits/limit-repository.ts";
import { STAFF } from "./members/member.ts";
import { createMemberStores } from "./members/room.ts";
import { createFoundingRepository } from "./organizations/founding-repository.ts";
import { createOrganizationRepository } from "./organizations/organization-repository.ts";
import { createClaimCodeRepository } from "./patients/claim-code-repository.ts";
import { createPatientRepository } from "./patients/patient-repository.ts";
import { createPolicyRepository } from "./policies/policy-repository.ts";
import { openPatientTokenRepository } from "./tokens/patient-token-repository.ts";

/** What is stored, once it has everything that the journal says. */
export async function openRepositories(
  deps: IdentityDeps,
  { region, profile }: Pick<IdentityConfig, "region" | "profile">,
) {
  const { store, vault, kms, pairwise, clock, log } = deps;
  const people = await createMemberStores(store, kms);
  const organizations = createOrganizationRepository(store, profile === "production");
  const repositories = {
    organizations,
    foundings: createFoundingRepository(store, organizations),
    credentials: createCredentialRepository(store, () => people.members.keeper(STAFF)),
    patients: createPatientRepository(store, vault),
    limits: createLimitRepository(store, clock),
    policies: createPolicyRepository(store, clock),
    // Elsewhere nobody's clock is moved, and nothing looks.
    organizationClocks: profile === "sandbox" ? createOrganizationClockRepository(store) : undefined,
    patientTokens: await openPatientTokenRepository({ store, clock, log }),
    ...people,
    accounts: await createAccounts(store, kms),
    delegations: await openDelegationRepository(store, vault, kms),
    claims: createClaimCodeRepository(store),
  };
  const installationKeys = createInstallationKeyRepository(store, kms);
  const journal = createFollower({ ...deps.journal, store, log });
  // Before keys are opened: a replaced key must sign nothing any more.
  await journal.start(
    createReplay({
      ...deps,
      ...repositories,
      keys: installationKeys,
      leafOf: (entry) => replayedAccess(pairwise, entry),
    }),
  );
  const rewrapped = await installationKeys.rewrap();
  if (rewrapped > 0)
    log.info({ count: rewrapped }, "keys of the installation were wrapped by the new master key");
  const frozen = createFrozenRecords({ ...repositories, region });
  return { ...repositories, frozen, installationKeys, journal };
}
