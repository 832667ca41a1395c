/** The collections of people on MongoDB: what the tests beside it do with SQLite, once each, with their races. */
import { randomUUID } from "node:crypto";
import { Delegation_State } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { Petition_State } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { openMongoStore } from "@wellapi/store";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { openMongoServer } from "../../../packages/store/test/mongo-server.ts";
import { databaseName, dropDatabase } from "../../../packages/store/test/mongo-under-test.ts";
import { identityCollections } from "../src/index.ts";
import { createInstallation, createPatient, operator } from "./installation.ts";
import { codeTo, createOwned, join, member, person, staff } from "./members.ts";
import { accountOf, callerOf, register, signInBy } from "./people.ts";

const server = await openMongoServer();
afterAll(() => server?.stop());

async function open() {
  const database = databaseName();
  onTestFinished(() => dropDatabase(server!.uri, database));
  const { uri } = server!;
  return createInstallation({}, () => openMongoStore({ uri, database, collections: identityCollections }));
}

describe.skipIf(!server)("people on MongoDB", { timeout: 60_000 }, () => {
  test("register, sign in by their passkey, and end a session; an address and a patient belong to one account", async () => {
    const installation = await open();
    const { signedIn, passkey } = await register(installation);
    const again = await signInBy(installation, passkey);
    expect(again.account).toBe(signedIn.account);
    const account = await accountOf(installation, signedIn);
    const { sessions } = await account.listSessions({});
    expect(sessions.map(({ id }) => id).sort()).toEqual(
      [signedIn, again].map(({ session }) => session!.id).sort(),
    );
    await account.endSessions({ others: true });
    await expect(callerOf(installation, again)).rejects.toMatchObject({ code: 16 });
    const { caller } = { caller: await callerOf(installation, signedIn) };
    expect(await installation.as(caller).grants.listGrants({})).toMatchObject({ grants: [] });
    expect(await installation.as(caller).grants.endGrants({ all: true })).toMatchObject({ ended: 0 });
  });

  test("join an organization by a code that works once, and one owner stays where all leave at once", async () => {
    const installation = await open();
    const organization = await createOwned(installation);
    await join(installation, organization, "usr_b", Role.OWNER);
    const request = { organization, email: "a@b.example", roles: [Role.AUDITOR], requestId: "r" };
    await installation.as(operator).members.inviteMember(request);
    const code = codeTo(installation, "a@b.example");
    const tries = await Promise.allSettled(
      ["usr_1", "usr_2"].map((id) => installation.as(person(id)).members.acceptInvitation({ code })),
    );
    expect(tries.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const leave = (account: string) =>
      installation.as(member(account, organization, "owner")).members.removeMember({ organization, account });
    const left = await Promise.allSettled([leave("usr_owner"), leave("usr_b")]);
    expect(left.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { members } = await installation.as(operator).members.listMembers({ organization });
    expect(members.map(({ roles }) => roles).sort()).toEqual([[Role.OWNER], [Role.AUDITOR]].sort());
  });

  test("act for a patient by a code that works once, and claim a patient", async () => {
    const installation = await open();
    const { patient, caller } = await createPatient(installation);
    const carer = { patient: patient.id, email: "g@b.example", displayName: "Grace", requestId: "carer" };
    const { delegation } = await installation.as(caller).delegations.inviteCarer(carer);
    const code = codeTo(installation, "g@b.example");
    const both = await Promise.allSettled(
      ["usr_1", "usr_2"].map((id) => installation.as(person(id)).delegations.acceptDelegation({ code })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { delegations } = installation.as(caller);
    await delegations.endDelegation({ delegation: delegation!.id });
    const listed = await delegations.listDelegations({ patient: patient.id });
    expect(listed.delegations.map(({ state }) => state)).toEqual([Delegation_State.ENDED]);

    const other = await createPatient(installation, "other");
    const claim = { requestId: randomUUID(), patient: other.patient.id };
    const made = await installation.as(operator).patients.createClaimCode(claim);
    const { signedIn } = await register(installation, "ben@b.example", { withoutPatient: true });
    const ben = installation.as(await callerOf(installation, signedIn));
    expect(await ben.patients.claimPatient({ code: made.code })).toMatchObject({ patient: other.patient.id });
  });

  test("ask for guardianship: of two at once by two codes one waits, and of two decisions one counts", async () => {
    const installation = await open();
    const { patient, caller } = await createPatient(installation);
    const { signedIn } = await register(installation, "ben@b.example", { withoutPatient: true });
    const { guardianships } = installation.as(await callerOf(installation, signedIn));
    const said = { displayName: "Ben", patientName: "Ada", grounds: "order 1" };
    const ask = async () => {
      const asked = { patient: patient.id, requestId: randomUUID() };
      const { code } = await installation.as(caller).guardianships.createGuardianCode(asked);
      return guardianships.createPetition({ ...said, code, requestId: randomUUID() });
    };
    const both = await Promise.allSettled([ask(), ask()]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [waiting] = (await guardianships.listPetitions({})).petitions;
    const officer = installation.as(staff("usr_officer", "privacy_officer")).guardianships;
    const decide = (state: Petition_State) =>
      officer.decidePetition({ petition: waiting!.id, state, reason: "seen" });
    const decided = await Promise.allSettled([
      decide(Petition_State.CONFIRMED),
      decide(Petition_State.REFUSED),
    ]);
    expect(decided.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await officer.listPetitions({})).petitions).toEqual([]);
  });
});
