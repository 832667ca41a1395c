/** What identity does when a death is confirmed, and when that was a mistake: consent decides, and tells it. */
import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Delegation_Kind, Delegation_State } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { ApplyDeathRequest_Event as Event } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Caller } from "@wellapi/rpc";
import { describe, expect, test, vi } from "vitest";
import { usualOwnCare } from "../src/config.ts";
import { createDelegations, type DelegationsDeps } from "../src/delegations/delegations.ts";
import { openDelegationRepository } from "../src/delegations/room.ts";
import { createPatientRepository } from "../src/patients/patient-repository.ts";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { codeTo, createOwned, member, person, staff } from "./members.ts";
import { callerOf, register, signInBy, signInByEmail } from "./people.ts";
import { problem } from "./problem.ts";

const consent: Caller = { principal: { kind: "service", id: "consent" }, workload: "consent", token: "" };
const officer = staff("usr_officer", "privacy_officer");
const email = "rita@canary.example";
const invalid = problem(Code.NotFound, "INVITATION_INVALID");
const ended = problem(Code.Unauthenticated, "CREDENTIAL_INVALID");
const frozenSignIn = problem(Code.PermissionDenied, "RECORD_FROZEN");
const report = { organization: "", deathReport: "dth_1" };

/** Consent tells: frozen, thawed, and which change it is. */
const freeze = (installation: Installation, partition: string, change = 1) => {
  const freezeTime = timestampFromMs(installation.clock.time);
  const asked = { ...report, partition, change, freezeTime, event: Event.CONFIRMED };
  return installation.as(consent).deaths.applyDeath(asked);
};
const thaw = (installation: Installation, partition: string, change = 2) =>
  installation.as(consent).deaths.applyDeath({ ...report, partition, change, event: Event.UNDONE });

async function openPerson() {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation, "ada@canary.example");
  const { principal } = await callerOf(installation, signedIn, "");
  const partition = principal.partition!;
  const outward = installation.pairwise.outward("installation", principal.id);
  const exchange = (actingAs: string) => callerOf(installation, signedIn, actingAs);
  return { installation, signedIn, passkey, partition, patient: outward, exchange };
}

describe("the account of a person who died", () => {
  test("is refused in every way in and as everything, and the same session goes on when it was a mistake", async () => {
    const { installation, passkey, partition, patient, exchange } = await openPerson();
    const clinic = await createOwned(installation);
    const invited = { organization: clinic, email: "ada@canary.example", roles: [Role.CLINICIAN] };
    await installation.as(operator).members.inviteMember({ ...invited, requestId: "m" });
    const code = codeTo(installation, "ada@canary.example");
    await installation.as(await exchange("account")).members.acceptInvitation({ code });
    const before = await exchange("");
    const token = { requestId: randomUUID(), patient };
    const { token: bearer } = await installation.as(operator).tokens.issuePatientToken(token);
    const byToken = () =>
      installation.exchange("gateway")({ credential: { case: "bearerToken", value: bearer } });
    const again = () =>
      installation.exchange("gateway")({ credential: { case: "internalToken", value: before.token } });
    await byToken();
    const told: string[] = [];
    installation.service.onAccessEnded((id) => told.push(id));

    await freeze(installation, partition);
    expect(told).not.toEqual([]);
    for (const actingAs of ["", "account", clinic, patient]) {
      await expect(exchange(actingAs)).rejects.toSatisfy(ended);
    }
    await expect(again()).rejects.toSatisfy(ended);
    await expect(byToken()).rejects.toSatisfy(ended);
    await expect(signInBy(installation, passkey)).rejects.toSatisfy(frozenSignIn);
    await expect(signInByEmail(installation, "ada@canary.example")).rejects.toSatisfy(frozenSignIn);
    const refusals = (await installation.leaves()).filter(({ access }) => access.reason === "RECORD_FROZEN");
    // Of the account, and of its patient.
    const refused = new Set(refusals.map(({ access }) => access.method.split("/")[1]));
    expect([...refused]).toEqual(["FinishSignIn", "VerifyCode"]);

    await thaw(installation, partition);
    expect((await exchange("")).principal).toMatchObject({ kind: "patient", partition });
    expect((await exchange(clinic)).principal.kind).toBe("member");
    await again();
    await byToken();
    await signInBy(installation, passkey);
    // What comes late changes nothing.
    await freeze(installation, partition, 1);
    await exchange("");
    await freeze(installation, partition, 3);
    await expect(exchange("")).rejects.toSatisfy(ended);
  });

  test("gets mail, as guardians and privacy officers do, which names no patient", async () => {
    const { installation, partition, patient } = await openPerson();
    const boss = await register(installation, "boss@office.example", { withoutPatient: true });
    const asked = { email: "boss@office.example", roles: [Role.PRIVACY_OFFICER], requestId: "staff" };
    await installation.as(operator).staff.inviteStaff(asked);
    const code = codeTo(installation, "boss@office.example");
    await installation.as(await callerOf(installation, boss.signedIn)).members.acceptInvitation({ code });
    const clinic = await createOwned(installation);
    const { deaths } = installation.as(consent);
    const mailed = () => installation.mailbox.mails.slice(sent);
    const sent = installation.mailbox.mails.length;
    await deaths.applyDeath({ partition, event: Event.REPORTED, organization: clinic, deathReport: "dth_9" });
    await vi.waitFor(() => expect(mailed()).toHaveLength(2), 15_000);
    const byAddress = new Map(mailed().map((mail) => [mail.to, mail.text]));
    expect(byAddress.get("boss@office.example")).toMatch(/dth_9[\s\S]*\/office\/deaths/);
    expect(byAddress.get("ada@canary.example")).toMatch(/person with this account died/);
    expect(JSON.stringify(mailed())).not.toMatch(/Canary-Lovelace|pat_/);
    expect(JSON.stringify(mailed())).not.toContain(patient);
    // A report alone changes nothing.
    await signInByEmail(installation, "ada@canary.example");
    await freeze(installation, partition);
    const texts = () =>
      mailed()
        .filter(({ to }) => to === "ada@canary.example")
        .map(({ text }) => text);
    await vi.waitFor(() => expect(texts().at(-1)).toMatch(/has confirmed the report/), 15_000);
    await thaw(installation, partition);
    await vi.waitFor(() => expect(texts().at(-1)).toMatch(/mistake[\s\S]*you can sign in/), 15_000);
  });

  test("stays refused after a restore of before, and is open again where the mistake was undone since", async () => {
    const { installation, partition, exchange } = await openPerson();
    const fact = (change: number, state: string) => ({
      ...({ kind: "record_frozen", partition, time: installation.clock.time } as const),
      subject: `dth_1.${change}.${state}`,
    });
    const restore = await installation.backup();
    await freeze(installation, partition);
    await installation.journal.append(fact(1, "frozen"));
    await restore();
    await expect(exchange("")).rejects.toSatisfy(ended);

    const restoreFrozen = await installation.backup();
    await thaw(installation, partition);
    await installation.journal.append(fact(2, "thawed"));
    await restoreFrozen();
    await exchange("");
  });
});

/** A patient without an account, a carer and a guardian, who act. */
async function openRecord() {
  const installation = await createInstallation();
  const { patient, id, partition, caller } = await createPatient(installation);
  const carer = { patient: patient.id, email, displayName: "Carl", requestId: "c" };
  await installation.as(caller).delegations.inviteCarer(carer);
  const accept = async (account: string) =>
    installation.as(person(account)).delegations.acceptDelegation({ code: codeTo(installation, email) });
  await accept("usr_carer");
  const guardian = { ...carer, grounds: "order 12 F 3/26", requestId: "g" };
  await installation.as(officer).delegations.inviteGuardian(guardian);
  await accept("usr_guardian");
  const invite = async (more: object = {}, by = officer) => {
    const asked = { ...carer, grounds: "certificate of inheritance 7", requestId: randomUUID(), ...more };
    return (await installation.as(by).delegations.inviteRepresentative(asked)).delegation!;
  };
  const set = (delegation: string, state: Delegation_State, by = officer) =>
    installation.as(by).delegations.setGuardianState({ delegation, state, reason: "court" });
  const acting = async (account: string) => {
    const { store, vault, kms, clock } = installation;
    const patients = createPatientRepository(store, vault);
    const delegations = await openDelegationRepository(store, vault, kms);
    const minority = { majority: 18, ownCareAge: 14, ownCareCategories: usualOwnCare };
    const deps = { delegations, patients, clock, minority } as unknown as DelegationsDeps;
    const found = createDelegations(deps);
    const kind = (await found.find(account, partition))?.kind;
    expect((await found.ofAccount(account)).map((one) => one.kind)).toEqual(kind === undefined ? [] : [kind]);
    return kind;
  };
  const actors = async (...accounts: string[]) => Promise.all(accounts.map(acting));
  return { installation, patient, id, partition, invite, accept, set, acting, actors };
}

describe("a representative", () => {
  test("acts while the record is frozen, and then nobody else; carers and guardians act before and after", async () => {
    const { installation, partition, invite, accept, actors } = await openRecord();
    const all = ["usr_carer", "usr_guardian", "usr_rep"];
    await expect(invite()).rejects.toSatisfy(problem(Code.FailedPrecondition, "RECORD_NOT_FROZEN"));
    expect(await actors(...all)).toEqual(["carer", "guardian", undefined]);
    await freeze(installation, partition);
    expect(await actors(...all)).toEqual([undefined, undefined, undefined]);
    const { kind } = await invite();
    expect(kind).toBe(Delegation_Kind.REPRESENTATIVE);
    await accept("usr_rep");
    expect(await actors(...all)).toEqual([undefined, undefined, "representative"]);
    installation.clock.time += 1;
    await thaw(installation, partition);
    expect(await actors(...all)).toEqual(["carer", "guardian", undefined]);
    // Named for a death that was a mistake: a later one does not revive it.
    installation.clock.time += 1;
    await freeze(installation, partition, 3);
    expect(await actors(...all)).toEqual([undefined, undefined, undefined]);
  });

  test("whom an organization entered acts once the privacy officer has confirmed it, and not otherwise", async () => {
    const { installation, id, partition, invite, accept, set, acting } = await openRecord();
    const clinic = await createOwned(installation);
    const owner = member("usr_owner", clinic, "owner");
    await freeze(installation, partition);
    const patient = installation.pairwise.outward(clinic, id);
    const { id: delegation } = await invite({ patient }, owner);
    await accept("usr_rep");
    expect(await acting("usr_rep")).toBeUndefined();
    const { delegations } = await installation.as(officer).delegations.listDelegations({
      patient: installation.pairwise.outward("installation", id),
    });
    expect(delegations.find((one) => one.id === delegation)?.state).toBe(Delegation_State.UNCONFIRMED);
    const refused = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED", "privacy officer");
    await expect(set(delegation, Delegation_State.ACTIVE, owner)).rejects.toSatisfy(refused);
    await set(delegation, Delegation_State.DISPUTED, owner);
    await expect(set(delegation, Delegation_State.ACTIVE, owner)).rejects.toSatisfy(refused);
    expect(await acting("usr_rep")).toBeUndefined();
    await set(delegation, Delegation_State.ACTIVE);
    expect(await acting("usr_rep")).toBe("representative");
  });

  test("is one of several; one that is disputed or blocked does not act, the others do", async () => {
    const { installation, partition, invite, accept, set, actors } = await openRecord();
    await freeze(installation, partition);
    const { id: first } = await invite();
    await accept("usr_one");
    await invite();
    await accept("usr_two");
    expect(await actors("usr_one", "usr_two")).toEqual(["representative", "representative"]);
    const told: string[] = [];
    installation.service.onAccessEnded((one) => told.push(one));
    await set(first, Delegation_State.DISPUTED);
    expect(told).toEqual(["usr_one"]);
    expect(await actors("usr_one", "usr_two")).toEqual([undefined, "representative"]);
    await set(first, Delegation_State.BLOCKED);
    await invite();
    await expect(accept("usr_one")).rejects.toSatisfy(invalid);
    expect(await actors("usr_one", "usr_two")).toEqual([undefined, "representative"]);
  });

  test("is not accepted any more once the death was undone", async () => {
    const { installation, partition, invite, accept } = await openRecord();
    await freeze(installation, partition);
    await invite();
    await thaw(installation, partition);
    await expect(accept("usr_rep")).rejects.toSatisfy(invalid);
  });

  test("does not see a minor's own care later than the minor would have allowed: age stands still with the freeze", async () => {
    const { installation, patient, partition, invite, accept } = await openRecord();
    const day = 86_400_000;
    const birthDate = new Date(installation.clock.time - 15.5 * 365.25 * day).toISOString().slice(0, 10);
    await installation.as(officer).delegations.inviteGuardian({
      ...{ patient: patient.id, email, displayName: "Gus", grounds: "birth certificate", birthDate },
      requestId: "child",
    });
    await freeze(installation, partition);
    await invite();
    await accept("usr_rep");
    const rep = async () => {
      const { store, vault, kms, clock } = installation;
      const patients = createPatientRepository(store, vault);
      const delegations = await openDelegationRepository(store, vault, kms);
      const minority = { majority: 18, ownCareAge: 14, ownCareCategories: usualOwnCare };
      const deps = { delegations, patients, clock, minority } as unknown as DelegationsDeps;
      return createDelegations(deps).find("usr_rep", partition);
    };
    expect((await rep())?.hides).toEqual(usualOwnCare);
    installation.clock.time += 10 * 365 * day;
    expect((await rep())?.hides).toEqual(usualOwnCare);
  });

  test("calls what the contract opens to representatives, and nothing that changes a setting or gives anything", async () => {
    const { installation, patient, id, partition } = await openRecord();
    const rep: Caller = {
      principal: {
        ...{ kind: "patient", id, partition, assurance: "fresh" },
        actor: { kind: "representative", id: "usr_rep" },
      },
      workload: "gateway",
      token: "",
    };
    const { delegations, patients, grants } = installation.as(rep);
    expect((await delegations.listDelegations({ patient: patient.id })).delegations).toHaveLength(2);
    expect((await patients.getPatient({ patient: patient.id })).patient?.id).toBe(patient.id);
    const refused = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED", "representatives");
    const carer = { patient: patient.id, email, displayName: "C", requestId: "x" };
    await expect(delegations.inviteCarer(carer)).rejects.toSatisfy(refused);
    await expect(delegations.endDelegation({ delegation: "del_1" })).rejects.toSatisfy(refused);
    await expect(patients.updatePatient({ patient: { id: patient.id } })).rejects.toSatisfy(refused);
    await expect(grants.endGrants({ which: { case: "all", value: true } } as never)).rejects.toSatisfy(
      refused,
    );
  });
});

test("nobody claims the record of a patient who died", async () => {
  const { installation, patient, partition } = await openRecord();
  const asked = { requestId: randomUUID(), patient: patient.id };
  const { code } = await installation.as(operator).patients.createClaimCode(asked);
  await freeze(installation, partition);
  const { signedIn } = await register(installation, "ada@canary.example", { withoutPatient: true });
  const claimer = await callerOf(installation, signedIn);
  const claim = () => installation.as(claimer).patients.claimPatient({ code });
  await expect(claim()).rejects.toSatisfy(problem(Code.Unauthenticated, "CREDENTIAL_INVALID"));
  await thaw(installation, partition);
  await claim();
});
