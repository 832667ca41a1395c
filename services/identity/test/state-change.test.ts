import type { AccessLog } from "@wellapi/access-log";
import { type Entry, type Fact, JournalError } from "@wellapi/journal";
import type { Change } from "@wellapi/store";
import { expect, test } from "vitest";
import type { Call } from "../src/accesses.ts";
import { createAccounts } from "../src/accounts/room.ts";
import { createCredentialRepository } from "../src/credentials/credential-repository.ts";
import { openDelegationRepository } from "../src/delegations/room.ts";
import { createInstallationKeyRepository } from "../src/installation-key-repository.ts";
import { createReplay } from "../src/journal-entries.ts";
import { createMemberStores } from "../src/members/room.ts";
import { createOrganizationRepository } from "../src/organizations/organization-repository.ts";
import { createStateChanges } from "../src/organizations/state-change.ts";
import { createPatientRepository } from "../src/patients/patient-repository.ts";
import { createPatientTokenRepository } from "../src/tokens/patient-token-repository.ts";
import { createApplication, createInstallation, type Installation, operator } from "./installation.ts";

/** Deletes what is not there. */
const nothing: Change = { kind: "delete", collection: "answers", key: ["identity", "none"] };
const call: Pick<Call, "commit"> = { commit: () => async () => ({ committed: true }) };

/** The service's own parts over the installation's store, with a journal that is away. */
async function partsOf({ store, clock, vault, kms }: Installation) {
  const organizations = createOrganizationRepository(store);
  const credentials = createCredentialRepository(store);
  const owed: Fact[] = [];
  const states = createStateChanges({
    organizations,
    credentials,
    journal: {
      owed: (fact) => {
        owed.push(fact);
        return nothing;
      },
      tell: async () => {
        throw new JournalError("unavailable", "away");
      },
    },
    clock,
    ended: () => undefined,
  });
  const replay = createReplay({
    store,
    accessLog: { leaf: () => ({ change: nothing }) } as unknown as AccessLog,
    credentials,
    organizations,
    patients: createPatientRepository(store, vault),
    patientTokens: createPatientTokenRepository(store),
    ...(await createMemberStores(store, kms)),
    accounts: await createAccounts(store, kms),
    delegations: await openDelegationRepository(store, vault, kms),
    keys: createInstallationKeyRepository(store, kms),
    leafOf: () => ({}) as never,
  });
  const real = {
    ...call,
    commit: () => (commit: Parameters<typeof store.commit>[0]) => store.commit(commit),
  } as Call;
  return { states, replay, owed, call: real };
}

test("a change of which the journal could not be told holds, is owed, and its caller is told so", async () => {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const { states, owed, call } = await partsOf(installation);
  const unsure = { code: "journal_unavailable" };
  await expect(states.application(application.id, "", "disabled", call)).rejects.toMatchObject(unsure);
  await expect(states.organization(organization.id, "", "disabled", call)).rejects.toMatchObject(unsure);
  // Again, since its caller was told to send the same again.
  await expect(states.application(application.id, "", "disabled", call)).rejects.toMatchObject(unsure);
  const { time } = installation.clock;
  expect(owed).toEqual([
    { kind: "application_disabled", partition: "identity", subject: `${application.id}.1`, time },
    { kind: "organization_disabled", partition: "identity", subject: `${organization.id}.1`, time },
  ]);
  const parts = createOrganizationRepository(installation.store);
  const holder = { application: application.id, organization: organization.id };
  expect(await parts.mayCall(holder)).toBe(false);
});

test("an entry of the journal that is older than the data's state changes nothing", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { organizations } = installation.as(operator);
  const stateOf = async () =>
    (await organizations.getApplication({ application: application.id })).application!;
  await organizations.disableApplication({ application: application.id });
  await organizations.enableApplication({ application: application.id });
  installation.clock.time += 1000;
  await organizations.disableApplication({ application: application.id });
  const before = await stateOf();
  const { replay } = await partsOf(installation);
  const entry = (kind: Entry["kind"], version: number): Entry => ({
    kind,
    partition: "identity",
    subject: `${application.id}.${version}`,
    time: 1,
    position: 1,
    mac: new Uint8Array(32),
  });
  // Another replica is at work while this one starts.
  await replay(entry("application_disabled", 1));
  await replay(entry("application_enabled", 2));
  await replay(entry("application_disabled", 3));
  expect(await stateOf()).toEqual(before);
  await replay(entry("application_enabled", 4));
  expect((await stateOf()).state).not.toBe(before.state);
  // Of one that was made after the backup.
  await replay({ ...entry("application_deleted", 1), subject: "app_unknown.1" });
});
