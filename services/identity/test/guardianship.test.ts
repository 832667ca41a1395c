/** Guardianship that persons ask for by themselves: codes, petitions, decisions, and what comes between. */
import { randomUUID } from "node:crypto";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Petition_State } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { ApplyDeathRequest_Event as Event } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import type { Caller } from "@wellapi/rpc";
import { describe, expect, test } from "vitest";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { codeTo, createOwned, member, person, staff } from "./members.ts";
import { register } from "./people.ts";
import { problem } from "./problem.ts";

const day = 86_400_000;
const officer = staff("usr_officer", "privacy_officer");
const codeInvalid = problem(Code.NotFound, "GUARDIAN_CODE_INVALID");
const waits = problem(Code.FailedPrecondition, "PETITION_WAITS");
const closed = problem(Code.FailedPrecondition, "PETITION_CLOSED");
const limited = problem(Code.ResourceExhausted, "PETITION_LIMIT");
const held = problem(Code.FailedPrecondition, "GUARDIAN_HELD");
const already = problem(Code.FailedPrecondition, "ALREADY_GUARDIAN");
const invalid = problem(Code.InvalidArgument, "INVALID_FIELD");
const notPermitted = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED");
const notFound = { code: Code.NotFound };

const child = { birthDate: "2019-03-31" };

/** A child that a clinic knows, and somebody with an account who wants to be its guardian. */
async function createScene() {
  const installation = await createInstallation();
  const { patient, id, partition, caller } = await createPatient(installation);
  const clinic = await createOwned(installation);
  const owner = member("usr_owner", clinic, "owner");
  const account = async (email: string) =>
    (await register(installation, email, { withoutPatient: true })).signedIn.account;
  const grace = await account("grace@canary.example");
  const ofClinic = installation.pairwise.outward(clinic, id);
  const createCode = async (by: Caller = owner, named = by === owner ? ofClinic : patient.id) => {
    const asked = { patient: named, requestId: randomUUID() };
    return (await installation.as(by).guardianships.createGuardianCode(asked)).code;
  };
  const ask = async (code: string, more: object = {}, by = grace) =>
    (
      await installation.as(person(by)).guardianships.createPetition({
        code,
        displayName: "Grace Canary-Guardian",
        patientName: "Little Canary",
        grounds: "birth certificate 17/2019",
        ...child,
        requestId: randomUUID(),
        ...more,
      })
    ).petition!;
  const decide = async (petition: string, state: Petition_State, more: object = {}, by: Caller = owner) =>
    (
      await installation.as(by).guardianships.decidePetition({
        petition,
        state,
        reason: "certificate and identity card seen",
        ...(state === Petition_State.CONFIRMED && child),
        ...more,
      })
    ).petition!;
  const confirm = (petition: string, more: object = {}, by: Caller = owner) =>
    decide(petition, Petition_State.CONFIRMED, more, by);
  const guardianships = async (by = grace) =>
    (await installation.as(person(by)).guardianships.listGuardianships({})).guardianships;
  const listed = async (by: Caller) => (await installation.as(by).guardianships.listPetitions({})).petitions;
  const base = { installation, patient, id, partition, caller, clinic, owner, ofClinic, grace };
  return { ...base, account, createCode, ask, decide, confirm, guardianships, listed };
}

function methodsOf(installation: Installation, partition: string) {
  return installation
    .leaves()
    .then((leaves) => leaves.filter((one) => one.partition === partition))
    .then((leaves) =>
      leaves.map(({ access }) => `${access.method.split("/")[1]} ${access.actor?.id ?? ""}`.trim()),
    );
}

const textsTo = ({ mailbox }: Installation, email: string) =>
  mailbox.mails.filter(({ to }) => to === email).map(({ text }) => text);

describe("a person who asks to become a guardian", () => {
  test("shows a code of the clinic, is told who checks it, waits, is confirmed, and acts then", async () => {
    const scene = await createScene();
    const { installation, clinic, grace, partition, owner } = scene;
    const code = await scene.createCode();
    const shown = await installation.as(person(grace)).guardianships.getGuardianCode({ code });
    expect(shown).toMatchObject({ organization: clinic, organizationName: "Heart Clinic" });
    const petition = await scene.ask(code);
    expect(petition).toMatchObject({
      state: Petition_State.WAITING,
      patient: "",
      organization: clinic,
      organizationName: "Heart Clinic",
      account: grace,
      email: "grace@canary.example",
      patientName: "Little Canary",
    });
    expect(timestampMs(petition.expireTime!) - installation.clock.time).toBe(30 * day);
    expect(await scene.guardianships()).toEqual([]);
    expect(await scene.listed(owner)).toMatchObject([
      { id: petition.id, patient: scene.ofClinic, grounds: "birth certificate 17/2019", ...child },
    ]);
    const confirmed = await scene.confirm(petition.id);
    expect(confirmed).toMatchObject({ state: Petition_State.CONFIRMED });
    expect(await scene.guardianships()).toMatchObject([
      {
        patientName: "Ada Canary-Lovelace",
        patient: scene.patient.id,
        delegation: { id: confirmed.delegation, organization: clinic, grounds: "" },
      },
    ]);
    const { delegations } = await installation
      .as(owner)
      .delegations.listDelegations({ patient: scene.ofClinic });
    expect(delegations).toMatchObject([
      { grounds: "certificate and identity card seen", displayName: "Grace Canary-Guardian", account: grace },
    ]);
    expect(new Date(timestampMs(delegations[0]!.expireTime!)).getUTCFullYear()).toBe(2037);
    expect(await methodsOf(installation, partition)).toEqual(
      expect.arrayContaining([
        "CreateGuardianCode usr_owner",
        `CreatePetition ${grace}`,
        "ListPetitions usr_owner",
        "DecidePetition usr_owner",
      ]),
    );
  });

  test("and whose petition is refused reads why, and does not act", async () => {
    const scene = await createScene();
    const petition = await scene.ask(await scene.createCode());
    await scene.decide(petition.id, Petition_State.REFUSED, { reason: "the name differs" });
    expect(await scene.listed(person(scene.grace))).toMatchObject([
      { state: Petition_State.REFUSED, reason: "the name differs", patient: "", delegation: "" },
    ]);
    expect(await scene.guardianships()).toEqual([]);
    // What was decided does not wait for anybody.
    expect(await scene.listed(scene.owner)).toEqual([]);
  });

  test("is checked by the privacy officer where the patient made the code, whom no organization sees", async () => {
    const scene = await createScene();
    const { installation, owner } = scene;
    const code = await scene.createCode(scene.caller);
    const petition = await scene.ask(code);
    expect(petition).toMatchObject({ organization: "", organizationName: "" });
    expect(await scene.listed(owner)).toEqual([]);
    await expect(scene.confirm(petition.id)).rejects.toMatchObject(notFound);
    expect(await scene.listed(officer)).toMatchObject([{ id: petition.id, patient: scene.patient.id }]);
    await scene.confirm(petition.id, {}, officer);
    expect(await scene.guardianships()).toMatchObject([{ delegation: { organization: "" } }]);
    const other = member("usr_owner", await createOwned(installation, "Other"), "owner");
    await expect(scene.confirm(petition.id, {}, other)).rejects.toMatchObject(notFound);
  });

  test("shows a claim code, which then claims nothing; and a guardian code claims nothing ever", async () => {
    const scene = await createScene();
    const { installation, patient, grace } = scene;
    const { code } = await installation
      .as(operator)
      .patients.createClaimCode({ patient: patient.id, requestId: randomUUID() });
    const { patients } = installation.as(person(grace));
    const refused = problem(Code.Unauthenticated, "CREDENTIAL_INVALID");
    await expect(patients.claimPatient({ code: await scene.createCode() })).rejects.toSatisfy(refused);
    const petition = await scene.ask(code);
    expect(petition.organization).toBe("");
    await expect(patients.claimPatient({ code })).rejects.toSatisfy(refused);
    // Nor does a code that claimed the patient ask for anything.
    const second = await installation
      .as(operator)
      .patients.createClaimCode({ patient: patient.id, requestId: randomUUID() });
    await patients.claimPatient({ code: second.code });
    const other = await scene.account("other@canary.example");
    await expect(scene.ask(second.code, {}, other)).rejects.toSatisfy(codeInvalid);
  });

  test("learns nothing by a code that was guessed, used, or is too old: one answer", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const other = await scene.account("other@canary.example");
    const used = await scene.createCode();
    await scene.ask(used);
    const old = await scene.createCode();
    installation.clock.time += 7 * day;
    const ofNobody = `wellapi_gc_${"a".repeat(43)}`;
    for (const code of [used, old, ofNobody, "Little Canary", "pat_0123"]) {
      await expect(scene.ask(code, {}, other)).rejects.toSatisfy(codeInvalid);
      await expect(installation.as(person(other)).guardianships.getGuardianCode({ code })).rejects.toSatisfy(
        codeInvalid,
      );
    }
  });

  test("is one of two with the same code, at the same moment", async () => {
    const scene = await createScene();
    const code = await scene.createCode();
    const other = await scene.account("other@canary.example");
    const both = await Promise.allSettled([scene.ask(code), scene.ask(code, {}, other)]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await scene.listed(scene.owner)).toHaveLength(1);
  });

  test("asks twice: the same request gives the same petition, another one waits for the first", async () => {
    const scene = await createScene();
    const [one, two] = [await scene.createCode(), await scene.createCode()];
    const requestId = randomUUID();
    const same = await Promise.all([scene.ask(one, { requestId }), scene.ask(one, { requestId })]);
    expect(new Set(same.map(({ id }) => id)).size).toBe(1);
    await expect(scene.ask(one, { requestId, grounds: "other" })).rejects.toSatisfy(
      problem(Code.AlreadyExists, "REQUEST_ID_REUSED"),
    );
    await expect(scene.ask(two)).rejects.toSatisfy(waits);
    await scene.installation
      .as(person(scene.grace))
      .guardianships.withdrawPetition({ petition: same[0]!.id });
    // The refused one has not used its code up.
    const again = await scene.ask(two);
    await scene.confirm(again.id);
    await expect(scene.ask(await scene.createCode())).rejects.toSatisfy(already);
  });

  test("has two codes and asks twice at the same moment: one waits", async () => {
    const scene = await createScene();
    const codes = [await scene.createCode(), await scene.createCode()];
    const both = await Promise.allSettled(codes.map((code) => scene.ask(code)));
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(both.find(({ status }) => status === "rejected")).toSatisfy((one: unknown) =>
      waits((one as PromiseRejectedResult).reason),
    );
  });

  test("asks ten times a day, right or wrong; and ten codes a day are made for a patient", async () => {
    const scene = await createScene();
    const { installation, owner, ofClinic } = scene;
    const code = await scene.createCode();
    for (let tries = 0; tries < 10; tries += 1) {
      await expect(scene.ask(`wellapi_gc_${"b".repeat(43)}`)).rejects.toSatisfy(codeInvalid);
    }
    await expect(scene.ask(code)).rejects.toSatisfy(limited);
    const requestId = randomUUID();
    const { guardianships } = installation.as(owner);
    for (let made = 1; made < 10; made += 1) {
      await guardianships.createGuardianCode({
        patient: ofClinic,
        requestId: made === 1 ? requestId : randomUUID(),
      });
    }
    await expect(scene.createCode(scene.caller)).rejects.toSatisfy(limited);
    // The answer of before is given again, and counts no more.
    await guardianships.createGuardianCode({ patient: ofClinic, requestId });
    installation.clock.time += day;
    await scene.createCode(scene.caller);
    await scene.ask(code);
  });

  test("is not served as a carer who makes a code, nor as somebody else who withdraws", async () => {
    const scene = await createScene();
    const { installation, caller } = scene;
    const asCarer = {
      ...caller,
      principal: { ...caller.principal, actor: { kind: "carer", id: "usr_c" } },
    } as const;
    await expect(scene.createCode(asCarer)).rejects.toSatisfy(notPermitted);
    const petition = (await scene.ask(await scene.createCode())).id;
    const other = installation.as(person("usr_other")).guardianships;
    await expect(other.withdrawPetition({ petition })).rejects.toMatchObject(notFound);
    expect(await scene.listed(person("usr_other"))).toEqual([]);
  });

  test("is told of the decision, and so are the verifier, the patient and other guardians, without a name", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const first = await scene.account("first@canary.example");
    await scene.confirm((await scene.ask(await scene.createCode(), {}, first)).id);
    const petition = await scene.ask(await scene.createCode());
    await expect.poll(() => textsTo(installation, "first@canary.example").join()).toContain("asks to become");
    await expect.poll(() => textsTo(installation, "usr_owner@clinic.example").join()).toContain(petition.id);
    await scene.confirm(petition.id);
    await expect.poll(() => textsTo(installation, "grace@canary.example").join()).toContain("was confirmed");
    await expect.poll(() => textsTo(installation, "first@canary.example").join()).toContain("may act now");
    const said = installation.mailbox.mails.map(({ text }) => text).join();
    expect(said).not.toMatch(/Canary-Guardian|Little Canary|Lovelace|pat_|certificate|wellapi_gc/);
  });
});

describe("a petition", () => {
  test("lapses after 30 days, can be asked again then, and is deleted 90 days later", async () => {
    const scene = await createScene();
    const { installation, grace } = scene;
    const petition = await scene.ask(await scene.createCode());
    installation.clock.time += 30 * day;
    expect(await scene.listed(scene.owner)).toEqual([]);
    expect(await scene.listed(person(grace))).toMatchObject([{ state: Petition_State.LAPSED }]);
    await expect(scene.confirm(petition.id)).rejects.toSatisfy(closed);
    const again = await scene.ask(await scene.createCode());
    await scene.confirm(again.id);
    await installation.reopen();
    installation.clock.time += 90 * day;
    await installation.reopen();
    expect((await scene.listed(person(grace))).map(({ id }) => id)).toEqual([again.id]);
  });

  test("is decided twice at the same moment: one counts, and the same decision again changes nothing", async () => {
    const scene = await createScene();
    const petition = await scene.ask(await scene.createCode());
    const both = await Promise.allSettled([
      scene.confirm(petition.id),
      scene.decide(petition.id, Petition_State.REFUSED, {}, officer),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { value } = both.find((one) => one.status === "fulfilled")!;
    const again = await scene.decide(petition.id, value.state, {}, officer);
    expect(again.delegation).toBe(value.delegation);
    expect(await scene.guardianships()).toHaveLength(value.state === Petition_State.CONFIRMED ? 1 : 0);
    const twice = await scene.ask(await scene.createCode(), {}, await scene.account("two@canary.example"));
    const same = await Promise.all([scene.confirm(twice.id), scene.confirm(twice.id, {}, officer)]);
    expect(new Set(same.map(({ delegation }) => delegation)).size).toBe(1);
  });

  test("is confirmed also by who has used its id as the id of a request of their own", async () => {
    const scene = await createScene();
    const { installation, ofClinic, owner } = scene;
    const petition = await scene.ask(await scene.createCode());
    await installation.as(owner).delegations.inviteGuardian({
      ...{ patient: ofClinic, email: "other@canary.example", displayName: "Other", grounds: "order 1" },
      requestId: petition.id,
    });
    const { delegation } = await scene.confirm(petition.id);
    expect(await scene.guardianships()).toMatchObject([{ delegation: { id: delegation } }]);
  });

  test("is withdrawn once, also twice, and never after a decision; a decision never after that", async () => {
    const scene = await createScene();
    const { guardianships } = scene.installation.as(person(scene.grace));
    const { id: petition } = await scene.ask(await scene.createCode());
    await guardianships.withdrawPetition({ petition });
    const again = await guardianships.withdrawPetition({ petition });
    expect(again.petition!.state).toBe(Petition_State.WITHDRAWN);
    await expect(scene.confirm(petition)).rejects.toSatisfy(closed);
    const second = await scene.ask(await scene.createCode());
    await scene.confirm(second.id);
    await expect(guardianships.withdrawPetition({ petition: second.id })).rejects.toSatisfy(closed);
  });

  test("is gone once the patient is erased meanwhile, and its code asks for nothing", async () => {
    const scene = await createScene();
    const { installation, partition, grace } = scene;
    const requestId = randomUUID();
    const petition = await scene.ask(await scene.createCode(), { requestId });
    const left = await scene.createCode();
    await installation.as(records).directory.markErased({ partition });
    await expect(scene.ask(left, {}, await scene.account("x@canary.example"))).rejects.toSatisfy(codeInvalid);
    await expect(scene.confirm(petition.id)).rejects.toMatchObject(notFound);
    await installation.vault.destroy(partition, "data");
    await expect(scene.confirm(petition.id)).rejects.toMatchObject(notFound);
    expect([await scene.listed(person(grace)), await scene.guardianships()]).toEqual([[], []]);
    // Its request's id stays used, also for another patient.
    const other = await createPatient(installation, "other");
    const code = await scene.createCode(other.caller, other.patient.id);
    await expect(scene.ask(code, { requestId })).rejects.toSatisfy(
      problem(Code.AlreadyExists, "REQUEST_ID_REUSED"),
    );
  });

  test("makes nobody a guardian of a patient who died meanwhile, whose code is not in force", async () => {
    const scene = await createScene();
    const { installation, partition } = scene;
    const petition = await scene.ask(await scene.createCode());
    const left = await scene.createCode();
    const freezeTime = timestampFromMs(installation.clock.time);
    const said = { partition, change: 1, freezeTime, event: Event.CONFIRMED, deathReport: "dth_1" };
    await installation.as(consent).deaths.applyDeath(said);
    await expect(scene.confirm(petition.id)).rejects.toSatisfy(
      problem(Code.PermissionDenied, "RECORD_FROZEN"),
    );
    const other = await scene.account("x@canary.example");
    await expect(scene.ask(left, {}, other)).rejects.toSatisfy(codeInvalid);
    await scene.decide(petition.id, Petition_State.REFUSED);
  });

  test("is not confirmed once the child has come of age, and of a child never without its date of birth", async () => {
    const scene = await createScene();
    const born = { birthDate: "2008-12-01" };
    const petition = await scene.ask(await scene.createCode(), born);
    await expect(scene.confirm(petition.id, { birthDate: "" })).rejects.toSatisfy(invalid);
    scene.installation.clock.time = Date.UTC(2026, 11, 1);
    await expect(scene.confirm(petition.id, born)).rejects.toSatisfy(invalid);
    await expect(scene.ask(await scene.createCode(), born)).rejects.toSatisfy(invalid);
    // As the papers show it, it may be younger than the person said.
    await scene.confirm(petition.id, { birthDate: "2009-12-01" });
  });

  test("is not confirmed for who became a guardian otherwise meanwhile, or is disputed or blocked", async () => {
    const scene = await createScene();
    const { installation, patient, grace } = scene;
    const petition = await scene.ask(await scene.createCode());
    const email = "grace@canary.example";
    const asked = { patient: patient.id, email, displayName: "Grace", grounds: "order 1", requestId: "g" };
    const { delegation } = await installation.as(officer).delegations.inviteGuardian(asked);
    const code = codeTo(installation, email);
    await installation.as(person(grace)).delegations.acceptDelegation({ code });
    await expect(scene.confirm(petition.id)).rejects.toSatisfy(already);
    const left = await scene.createCode();
    for (const state of [3, 4]) {
      const change = { delegation: delegation!.id, state, reason: "court" };
      await installation.as(officer).delegations.setGuardianState(change);
      await expect(scene.confirm(petition.id)).rejects.toSatisfy(held);
      await expect(scene.ask(left)).rejects.toSatisfy(codeInvalid);
    }
  });

  test("that was confirmed outlives a restore only as ended: a backup gives nobody access back", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const petition = await scene.ask(await scene.createCode());
    const restore = await installation.backup();
    const { delegation } = await scene.confirm(petition.id);
    await installation
      .as(officer)
      .delegations.setGuardianState({ delegation, state: 4, reason: "false papers" });
    await restore();
    expect(await scene.guardianships()).toEqual([]);
    expect(await scene.listed(scene.owner)).toMatchObject([{ state: Petition_State.WAITING }]);
  });

  test("lies sealed: no name, address, ground or code can be read in any file", async () => {
    const scene = await createScene();
    const code = await scene.createCode();
    await scene.ask(code);
    await scene.installation.reopen();
    const files = await scene.installation.files();
    for (const text of ["Canary-Guardian", "Little Canary", "17/2019", "grace@canary", code]) {
      expect(files.filter(({ bytes }) => bytes.includes(text)).map(({ name }) => name)).toEqual([]);
    }
  });
});

const records: Caller = { principal: { kind: "service", id: "records" }, workload: "records", token: "" };
const consent: Caller = { principal: { kind: "service", id: "consent" }, workload: "consent", token: "" };
