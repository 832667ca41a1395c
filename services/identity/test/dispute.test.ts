/** A guardian whom the patient, or another guardian, disputes: from the dispute to the privacy officer's decision. */
import { Code } from "@connectrpc/connect";
import { Delegation_State } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import type { Caller } from "@wellapi/rpc";
import { describe, expect, test } from "vitest";
import { createInstallation, createPatient, type Installation } from "./installation.ts";
import { codeTo, createOwned, member, person, staff } from "./members.ts";
import { accountOf, register } from "./people.ts";
import { problem } from "./problem.ts";

const day = 86_400_000;
const officer = staff("usr_officer", "privacy_officer");
const notPermitted = (words = "") => problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED", words);
const notActive = problem(Code.FailedPrecondition, "GUARDIAN_NOT_ACTIVE");
const invalid = problem(Code.NotFound, "INVITATION_INVALID");
const decided = problem(Code.FailedPrecondition, "DISPUTE_DECIDED");

/** A patient with an account, and two guardians whom a clinic has verified. */
async function createScene() {
  const installation = await createInstallation();
  const { patient, id, caller } = await createPatient(installation);
  const clinic = await createOwned(installation);
  const owner = member("usr_owner", clinic, "owner");
  const named = installation.pairwise.outward(clinic, id);
  const invite = (email: string, requestId: string) =>
    installation.as(owner).delegations.inviteGuardian({
      ...{ patient: named, email, displayName: email, grounds: "order 1", requestId },
    });
  const guardian = async (name: string) => {
    const email = `${name}@canary.example`;
    const { signedIn } = await register(installation, email, { withoutPatient: true });
    const { account } = signedIn;
    const { delegation } = await invite(email, name);
    const code = codeTo(installation, email);
    await installation.as(person(account)).delegations.acceptDelegation({ code });
    const acting = {
      ...caller,
      principal: { ...caller.principal, actor: { kind: "guardian", id: account } },
    };
    return { account, signedIn, email, delegation: delegation!.id, caller: acting as Caller };
  };
  const [grace, gustav] = [await guardian("grace"), await guardian("gustav")];
  const dispute = async (by: Caller = caller, delegation = grace.delegation) =>
    (await installation.as(by).guardianships.disputeGuardian({ delegation, reason: "the court ended it" }))
      .delegation!;
  const set = async (state: Delegation_State, by: Caller = officer, delegation = grace.delegation) =>
    (await installation.as(by).delegations.setGuardianState({ delegation, state, reason: "decided" }))
      .delegation!;
  const disputes = async () => (await installation.as(officer).guardianships.listDisputes({})).disputes;
  const standing = async (account = grace.account) =>
    (await installation.as(person(account)).guardianships.listGuardianships({})).guardianships;
  return { installation, patient, caller, owner, invite, grace, gustav, dispute, set, disputes, standing };
}

const textsTo = ({ mailbox }: Installation, email: string) =>
  mailbox.mails
    .filter(({ to }) => to === email)
    .map(({ text }) => text)
    .join();

describe("a guardian whom the patient disputes", () => {
  test("does not act from then on, sees that it is so, and acts again once the officer has said so", async () => {
    const scene = await createScene();
    const { installation, patient, grace } = scene;
    const ended: string[] = [];
    installation.service.onAccessEnded((one) => ended.push(one));
    expect(await scene.standing()).toMatchObject([
      {
        patient: patient.id,
        patientName: "Ada Canary-Lovelace",
        delegation: { state: Delegation_State.ACTIVE },
      },
    ]);
    expect(await scene.dispute()).toMatchObject({ state: Delegation_State.DISPUTED, grounds: "" });
    expect(ended).toEqual([grace.account]);
    expect(await scene.standing()).toMatchObject([
      { patient: "", patientName: "Ada Canary-Lovelace", delegation: { state: Delegation_State.DISPUTED } },
    ]);
    expect(await scene.disputes()).toMatchObject([
      { patient: patient.id, delegation: { id: grace.delegation, disputeTime: {} } },
    ]);
    expect((await scene.disputes())[0]!.delegation!.grounds).toMatch(
      /disputed: the patient: the court ended it/,
    );
    await scene.set(Delegation_State.ACTIVE);
    expect(await scene.disputes()).toEqual([]);
    expect(await scene.standing()).toMatchObject([{ patient: patient.id }]);
    const methods = (await installation.leaves()).map(({ access }) => access.method.split("/")[1]);
    expect(methods).toEqual(expect.arrayContaining(["DisputeGuardian", "ListDisputes", "SetGuardianState"]));
  });

  test("is not restored by the clinic that verified, nor ended to be verified anew", async () => {
    const scene = await createScene();
    await scene.dispute();
    for (const state of [Delegation_State.ACTIVE, Delegation_State.ENDED]) {
      await expect(scene.set(state, scene.owner)).rejects.toSatisfy(notPermitted("privacy officer"));
    }
    expect(await scene.disputes()).toHaveLength(1);
    // Nor by a detour over another state: a block is the officer's to lift.
    await scene.set(Delegation_State.BLOCKED, scene.owner);
    await expect(scene.set(Delegation_State.ACTIVE, scene.owner)).rejects.toSatisfy(notPermitted());
    expect(await scene.disputes()).toEqual([]);
    await expect(scene.dispute()).rejects.toSatisfy(notActive);
  });

  test("whose access has ended is not let in again by the clinic, whoever ended it, directly or over a dispute", async () => {
    const scene = await createScene();
    await scene.dispute();
    await scene.set(Delegation_State.ENDED);
    await scene.set(Delegation_State.ENDED, scene.owner, scene.gustav.delegation);
    for (const { delegation } of [scene.grace, scene.gustav]) {
      for (const state of [Delegation_State.ACTIVE, Delegation_State.DISPUTED]) {
        await expect(scene.set(state, scene.owner, delegation)).rejects.toSatisfy(
          notPermitted("privacy officer"),
        );
      }
    }
    // It may keep them out, and the officer lets them in.
    await scene.set(Delegation_State.BLOCKED, scene.owner);
    await scene.set(Delegation_State.ACTIVE, officer, scene.gustav.delegation);
    expect(await scene.standing(scene.gustav.account)).toMatchObject([{ patient: scene.patient.id }]);
  });

  test("accepts no invitation of the clinic's meanwhile, which would count once the officer has ended the first", async () => {
    const scene = await createScene();
    const { installation, grace } = scene;
    await scene.dispute();
    await scene.invite(grace.email, "again");
    const code = codeTo(installation, grace.email);
    const { delegations } = installation.as(person(grace.account));
    await expect(delegations.acceptDelegation({ code })).rejects.toSatisfy(invalid);
    await scene.set(Delegation_State.ENDED);
    expect((await scene.standing()).map(({ patient }) => patient)).toEqual([""]);
  });

  test("stays disputed where it is done twice, also at the same moment, and while who verifies decides", async () => {
    const scene = await createScene();
    const both = await Promise.all([scene.dispute(), scene.dispute(scene.gustav.caller)]);
    expect(both.map(({ state }) => state)).toEqual([Delegation_State.DISPUTED, Delegation_State.DISPUTED]);
    expect(await scene.disputes()).toHaveLength(1);
    await scene.set(Delegation_State.ACTIVE);
    // The clinic's own dispute becomes the officer's, once the patient disputes, too.
    await scene.set(Delegation_State.DISPUTED, scene.owner);
    scene.installation.clock.time += 31 * day;
    await scene.dispute();
    await expect(scene.set(Delegation_State.ACTIVE, scene.owner)).rejects.toSatisfy(notPermitted());
  });

  test("is decided at the same moment as disputed: nobody acts by a decision of before", async () => {
    const scene = await createScene();
    await scene.dispute();
    const both = await Promise.allSettled([
      scene.set(Delegation_State.ACTIVE),
      scene.set(Delegation_State.ENDED),
    ]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
    expect(await scene.disputes()).toEqual([]);
  });

  test("is disputed by the same again 30 days after the decision, and by others at once", async () => {
    const scene = await createScene();
    const { installation, gustav } = scene;
    await scene.dispute();
    await scene.set(Delegation_State.ACTIVE);
    await expect(scene.dispute()).rejects.toSatisfy(decided);
    await scene.dispute(gustav.caller);
    await scene.set(Delegation_State.ACTIVE);
    installation.clock.time += 30 * day;
    await scene.dispute();
  });

  test("does not come in by another access of the same person, such as a carer's that they gave themselves", async () => {
    const scene = await createScene();
    const { installation, patient, grace } = scene;
    await installation.as(grace.caller).delegations.inviteCarer({
      patient: patient.id,
      email: grace.email,
      displayName: "myself",
      requestId: "carer",
    });
    const { delegations } = installation.as(person(grace.account));
    await delegations.acceptDelegation({ code: codeTo(installation, grace.email) });
    const { listActingOptions } = await accountOf(installation, grace.signedIn);
    const options = async () => (await listActingOptions({})).options.map(({ actingAs }) => actingAs);
    expect(await options()).toContain(patient.id);
    await scene.dispute();
    expect(await options()).not.toContain(patient.id);
  });

  test("is told by mail, and so are the patient's guardians and the officer, without a name or a reason", async () => {
    const scene = await createScene();
    const { installation, grace, gustav } = scene;
    await scene.dispute();
    await expect.poll(() => textsTo(installation, grace.email)).toContain("is disputed");
    await expect.poll(() => textsTo(installation, gustav.email)).toContain("is disputed");
    await scene.set(Delegation_State.ACTIVE);
    await expect.poll(() => textsTo(installation, grace.email)).toContain("may act as a guardian again");
    await scene.set(Delegation_State.ENDED);
    await expect.poll(() => textsTo(installation, gustav.email)).toContain("has ended");
    const said = installation.mailbox.mails.map(({ text }) => text).join();
    expect(said).not.toMatch(/Lovelace|court|pat_/);
  });

  test("stays the officer's to decide after a restore that has lost the dispute", async () => {
    const scene = await createScene();
    const restore = await scene.installation.backup();
    await scene.dispute();
    await restore();
    expect(await scene.disputes()).toMatchObject([{ delegation: { state: Delegation_State.DISPUTED } }]);
    await expect(scene.set(Delegation_State.ACTIVE, scene.owner)).rejects.toSatisfy(notPermitted());
    await scene.set(Delegation_State.ACTIVE);
    expect(await scene.disputes()).toEqual([]);
  });
});

describe("nobody else disputes", () => {
  test("a carer does not, nor a guardian themselves, nor the patient of another record", async () => {
    const scene = await createScene();
    const { installation, caller, grace } = scene;
    const actor = { kind: "carer", id: "usr_carer" } as const;
    const carer: Caller = { ...caller, principal: { ...caller.principal, actor } };
    await expect(scene.dispute(carer)).rejects.toSatisfy(notPermitted("nobody else"));
    await expect(scene.dispute(grace.caller)).rejects.toSatisfy(notPermitted("give it up"));
    const other = await createPatient(installation, "other");
    await expect(scene.dispute(other.caller)).rejects.toMatchObject({ code: Code.NotFound });
    expect(await scene.standing()).toMatchObject([{ delegation: { state: Delegation_State.ACTIVE } }]);
  });

  test("and a carer is not disputed: the patient takes it back", async () => {
    const scene = await createScene();
    const { installation, patient, caller } = scene;
    const { delegation } = await installation.as(caller).delegations.inviteCarer({
      patient: patient.id,
      email: "c@canary.example",
      displayName: "C",
      requestId: "c",
    });
    await expect(scene.dispute(caller, delegation!.id)).rejects.toMatchObject({ code: Code.NotFound });
  });
});
