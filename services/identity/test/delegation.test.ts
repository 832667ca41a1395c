import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Delegation_Kind, Delegation_State } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { anonymous, type Caller } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import { usualOwnCare } from "../src/config.ts";
import { createDelegations, type DelegationsDeps } from "../src/delegations/delegations.ts";
import { majorityOf } from "../src/delegations/majority.ts";
import { openDelegationRepository } from "../src/delegations/room.ts";
import { createInstallationKeyRepository } from "../src/installation-key-repository.ts";
import { createPatientRepository } from "../src/patients/patient-repository.ts";
import { openSigningKeys } from "../src/tokens/signing-keys.ts";
import { createTokenIssuer } from "../src/tokens/token.ts";
import { createInstallation, createPatient, type Installation } from "./installation.ts";
import { codeTo, createOwned, member, person, staff } from "./members.ts";
import { problem } from "./problem.ts";

const day = 86_400_000;
const email = "grace@canary.example";
const denied = (words = "") => problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED", words);
const invalid = problem(Code.NotFound, "INVITATION_INVALID");
const officer = staff("usr_officer", "privacy_officer");

/** The installation's pairwise id of the patient is what the patient and persons use. */
async function createScene() {
  const installation = await createInstallation();
  const { patient, id, partition, caller } = await createPatient(installation);
  const invite = (more: object = {}, by: Caller = caller) =>
    installation.as(by).delegations.inviteCarer({
      patient: patient.id,
      email,
      displayName: "Grace, my neighbour",
      requestId: "carer",
      ...more,
    });
  const inviteGuardian = (more: object = {}, by: Caller = officer) =>
    installation.as(by).delegations.inviteGuardian({
      patient: patient.id,
      email,
      displayName: "Grace Guardian",
      grounds: "birth certificate 17/2019",
      requestId: "guardian",
      ...more,
    });
  const accept = (account: string, code = codeTo(installation, email)) =>
    installation.as(person(account)).delegations.acceptDelegation({ code });
  /** What an exchange asks, after each reopening anew. */
  const acting = async (account: string) => (await directoryOf(installation)).find(account, partition);
  return { installation, patient, id, partition, caller, invite, inviteGuardian, accept, acting };
}

async function directoryOf({ store, vault, kms, clock }: Installation) {
  const patients = createPatientRepository(store, vault);
  const delegations = await openDelegationRepository(store, vault, kms);
  const minority = { majority: 18, ownCareAge: 14, ownCareCategories: usualOwnCare };
  return createDelegations({ delegations, patients, clock, minority } as unknown as DelegationsDeps);
}

type Scene = Awaited<ReturnType<typeof createScene>>;

async function namedCarer(scene: Scene, account = "usr_grace") {
  const { delegation } = await scene.invite();
  await scene.accept(account);
  return delegation!.id;
}

/** The patient's caller as the carer or guardian makes it. */
function actingAs({ caller }: Scene, kind: "carer" | "guardian", account: string): Caller {
  return { ...caller, principal: { ...caller.principal, actor: { kind, id: account } } };
}

function entries(installation: Installation, method: string) {
  return installation
    .leaves()
    .then((leaves) => leaves.filter(({ access }) => access.method.endsWith(`/${method}`)));
}

describe("a carer", () => {
  test("is invited by a mail that names nobody, accepts by an account of their own, and acts then", async () => {
    const scene = await createScene();
    const { installation, patient, partition } = scene;
    const { delegation } = await scene.invite();
    expect(delegation).toMatchObject({ kind: Delegation_Kind.CARER, state: Delegation_State.OFFERED });
    const [mail] = installation.mailbox.mails;
    expect(`${mail!.to} ${mail!.text}`).not.toMatch(/Ada|Canary-Lovelace|neighbour|pat_/);
    const code = codeTo(installation, email);
    expect(await installation.as(anonymous).delegations.getDelegationOffer({ code })).toMatchObject({
      kind: Delegation_Kind.CARER,
      patientName: "Ada Canary-Lovelace",
    });
    expect(await scene.acting("usr_grace")).toBeUndefined();
    expect(await scene.accept("usr_grace")).toMatchObject({
      kind: Delegation_Kind.CARER,
      patient: patient.id,
    });
    expect(await scene.acting("usr_grace")).toEqual({ kind: "carer" });
    expect(await scene.acting("usr_other")).toBeUndefined();
    expect(await (await directoryOf(installation)).ofAccount("usr_grace")).toMatchObject([
      { partition, kind: "carer", displayName: "Ada Canary-Lovelace" },
    ]);
    const [accepted] = await entries(installation, "AcceptDelegation");
    expect([accepted!.partition, accepted!.access.actor!.id]).toEqual([partition, "usr_grace"]);
  });

  test("comes by a code that works once, also for two persons at the same moment", async () => {
    const scene = await createScene();
    await scene.invite();
    const both = await Promise.allSettled([scene.accept("usr_1"), scene.accept("usr_2")]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await expect(scene.accept("usr_3")).rejects.toSatisfy(invalid);
    await expect(scene.accept("usr_3", `wellapi_dc_${"a".repeat(43)}`)).rejects.toSatisfy(invalid);
  });

  test("comes within seven days, and by the newest mail of the same request", async () => {
    const scene = await createScene();
    await scene.invite();
    const first = codeTo(scene.installation, email);
    await scene.invite();
    await expect(scene.accept("usr_grace", first)).rejects.toSatisfy(invalid);
    const second = codeTo(scene.installation, email);
    scene.installation.clock.time += 7 * day;
    await expect(scene.accept("usr_grace", second)).rejects.toSatisfy(invalid);
    await expect(scene.invite({ email: "other@canary.example" })).rejects.toSatisfy(
      problem(Code.AlreadyExists, "REQUEST_ID_REUSED"),
    );
  });

  test("is taken back by the patient: refused at once, and streams' doors are told", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const ended: string[] = [];
    installation.service.onAccessEnded((id) => ended.push(id));
    const id = await namedCarer(scene);
    const { delegations } = installation.as(scene.caller);
    for (const _ of ["once", "again"]) {
      const { delegation } = await delegations.endDelegation({ delegation: id });
      expect(delegation).toMatchObject({ state: Delegation_State.ENDED, account: "usr_grace" });
    }
    expect(await scene.acting("usr_grace")).toBeUndefined();
    expect(ended).toEqual(["usr_grace"]);
    const { delegations: listed } = await delegations.listDelegations({ patient: scene.patient.id });
    expect(listed).toMatchObject([{ id, state: Delegation_State.ENDED, displayName: "Grace, my neighbour" }]);
  });

  test("gives it up themselves; nobody else's, and no other patient ends it", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const id = await namedCarer(scene);
    const other = await createPatient(installation, "another");
    for (const caller of [person("usr_mallory"), other.caller]) {
      await expect(
        installation.as(caller).delegations.endDelegation({ delegation: id }),
      ).rejects.toMatchObject({ code: Code.NotFound });
    }
    const second = await scene.invite({ requestId: "second" });
    await expect(
      installation
        .as(actingAs(scene, "carer", "usr_grace"))
        .delegations.endDelegation({ delegation: second.delegation!.id }),
    ).rejects.toSatisfy(denied("own access only"));
    await installation.as(person("usr_grace")).delegations.endDelegation({ delegation: id });
    expect(await scene.acting("usr_grace")).toBeUndefined();
  });

  test("invites nobody, and nobody invites for another patient", async () => {
    const scene = await createScene();
    await expect(scene.invite({}, actingAs(scene, "carer", "usr_grace"))).rejects.toSatisfy(denied());
    const other = await createPatient(scene.installation, "another");
    await expect(scene.invite({}, other.caller)).rejects.toSatisfy(denied());
  });

  test("is invited at most ten times a day", async () => {
    const scene = await createScene();
    for (let n = 0; n < 10; n++) await scene.invite({ requestId: `${n}` });
    await expect(scene.invite({ requestId: "more" })).rejects.toSatisfy(
      problem(Code.ResourceExhausted, "INVITATION_LIMIT", "10 invitations"),
    );
    scene.installation.clock.time += day;
    await scene.invite({ requestId: "more" });
  });

  test("does not come back by a restore, and neither does the code", { timeout: 60_000 }, async () => {
    const scene = await createScene();
    const { installation } = scene;
    const database = join(installation.folder, "identity.db");
    const copy = (name: string) => () => copyFile(database, join(installation.folder, name));
    const restore = (name: string) => async () => {
      for (const end of ["-wal", "-shm"]) await rm(`${database}${end}`, { force: true });
      await copyFile(join(installation.folder, name), database);
    };
    await scene.invite();
    const code = codeTo(installation, email);
    await installation.reopen(copy("offered.db"));
    await scene.accept("usr_grace");
    await installation.reopen(copy("active.db"));
    const { delegations } = await installation
      .as(scene.caller)
      .delegations.listDelegations({ patient: scene.patient.id });
    await installation.as(scene.caller).delegations.endDelegation({ delegation: delegations[0]!.id });
    await installation.reopen(restore("active.db"));
    expect(await scene.acting("usr_grace")).toBeUndefined();
    await installation.reopen(restore("offered.db"));
    await expect(scene.accept("usr_mallory", code)).rejects.toSatisfy(invalid);
  });

  test("of whom a backup knows the offer only is over: nobody knows any more who accepted", {
    timeout: 60_000,
  }, async () => {
    const scene = await createScene();
    const { installation } = scene;
    const database = join(installation.folder, "identity.db");
    const backup = join(installation.folder, "offered.db");
    await scene.invite();
    await installation.reopen(() => copyFile(database, backup));
    await scene.accept("usr_grace");
    await installation.reopen(async () => {
      for (const end of ["-wal", "-shm"]) await rm(`${database}${end}`, { force: true });
      await copyFile(backup, database);
    });
    const { delegations } = installation.as(scene.caller);
    const { delegations: listed } = await delegations.listDelegations({ patient: scene.patient.id });
    expect(listed).toMatchObject([{ state: Delegation_State.ENDED, account: "" }]);
    await expect(scene.accept("usr_mallory")).rejects.toSatisfy(invalid);
  });

  test("is nobody in any file: neither address, nor name, nor account", async () => {
    const scene = await createScene();
    await namedCarer(scene);
    await scene.installation.reopen();
    const files = (await scene.installation.files()).filter(({ name }) => name.startsWith("identity.db"));
    for (const secret of [email, "neighbour", "wellapi_dc_", "usr_grace"]) {
      expect(files.filter(({ bytes }) => bytes.includes(secret))).toEqual([]);
    }
  });

  test("needs a mail that can be handed over: the same request sends it later", async () => {
    const scene = await createScene();
    scene.installation.mailbox.fails = true;
    await expect(scene.invite()).rejects.toSatisfy(problem(Code.Unavailable, "MAIL_UNAVAILABLE"));
    scene.installation.mailbox.fails = false;
    await namedCarer(scene);
    expect(await scene.acting("usr_grace")).toEqual({ kind: "carer" });
  });
});

describe("a guardian", () => {
  test("is verified by the privacy officer or by owners and administrators who know the patient", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const clinic = await createOwned(installation);
    const theirs = installation.pairwise.outward(clinic, scene.id);
    const owner = member("usr_owner", clinic, "owner");
    await scene.inviteGuardian();
    const asked = { patient: theirs, requestId: "second", email: "second@canary.example" };
    const { delegation } = await scene.inviteGuardian(asked, owner);
    expect(delegation).toMatchObject({ kind: Delegation_Kind.GUARDIAN, organization: clinic });
    for (const caller of [
      member("usr_owner", clinic, "clinician"),
      staff("usr_1", "operator"),
      staff("usr_1", "support"),
      scene.caller,
    ]) {
      await expect(scene.inviteGuardian(asked, caller)).rejects.toMatchObject({
        code: Code.PermissionDenied,
      });
    }
    // An id of another party's is nobody's.
    await expect(scene.inviteGuardian({ requestId: "third" }, owner)).rejects.toMatchObject({
      code: Code.NotFound,
    });
    // Each organization sees whom it verified, the officer and the patient see all.
    const list = async (caller: Caller, patient: string) =>
      (await installation.as(caller).delegations.listDelegations({ patient })).delegations;
    expect(await list(owner, theirs)).toHaveLength(1);
    expect(await list(officer, scene.patient.id)).toHaveLength(2);
    expect((await list(scene.caller, scene.patient.id)).map(({ grounds }) => grounds)).toEqual(["", ""]);
  });

  test("acts for a child until it comes of age, in the child's time zone", async () => {
    const scene = await createScene();
    const { delegation } = await scene.inviteGuardian({ birthDate: "2009-01-10" });
    await scene.accept("usr_grace");
    expect(await scene.acting("usr_grace")).toMatchObject({ kind: "guardian" });
    // Midnight of 10 January 2027 in Berlin.
    const majority = Date.UTC(2027, 0, 9, 23);
    const { delegations } = await scene.installation
      .as(officer)
      .delegations.listDelegations({ patient: scene.patient.id });
    expect(timestampMs(delegations[0]!.expireTime!)).toBe(majority);
    expect(delegations[0]!.id).toBe(delegation!.id);
    scene.installation.clock.time = majority - 1;
    expect(await scene.acting("usr_grace")).toMatchObject({ kind: "guardian" });
    scene.installation.clock.time = majority;
    expect(await scene.acting("usr_grace")).toBeUndefined();
    expect(await (await directoryOf(scene.installation)).ofAccount("usr_grace")).toEqual([]);
  });

  test("does not see a minor's own care from the age at which there is some, and no carer does", async () => {
    const scene = await createScene();
    const { installation } = scene;
    // 12 years old; 14 in Berlin's summer of 2028.
    await scene.inviteGuardian({ birthDate: "2014-07-10" });
    await scene.accept("usr_grace");
    await namedCarer(scene, "usr_carer");
    const care = ["reproductive", "mental_health", "substance_use", "sexual_health"];
    const fourteen = Date.UTC(2028, 6, 9, 22);
    installation.clock.time = fourteen - 1;
    expect(await scene.acting("usr_grace")).toEqual({ kind: "guardian" });
    installation.clock.time = fourteen;
    expect(await scene.acting("usr_grace")).toEqual({ kind: "guardian", hides: care });
    expect(await scene.acting("usr_carer")).toEqual({ kind: "carer", hides: care });
    // A guardian who was verified without the date, and one whose access is over.
    const { delegations } = installation.as(officer);
    const { delegations: all } = await delegations.listDelegations({ patient: scene.patient.id });
    const first = all.find(({ kind }) => kind === Delegation_Kind.GUARDIAN)!.id;
    await scene.inviteGuardian({ requestId: "second" });
    await scene.accept("usr_second");
    await delegations.setGuardianState({ delegation: first, state: Delegation_State.ENDED, reason: "moved" });
    expect(await scene.acting("usr_second")).toEqual({ kind: "guardian", hides: care });
    // Of age: the carers are the patient's own again.
    installation.clock.time = Date.UTC(2032, 6, 9, 22);
    expect(await scene.acting("usr_carer")).toEqual({ kind: "carer" });
  });

  test("is refused for who is of age, for a day that is none, and for grounds that have ended", async () => {
    const scene = await createScene();
    const refused = (words: string) => problem(Code.InvalidArgument, "INVALID_FIELD", words);
    for (const [more, words] of [
      [{ birthDate: "2008-11-25" }, "of age"],
      [{ birthDate: "2015-02-29" }, "no date"],
      [{ birthDate: "2027-01-01" }, "future"],
      [{ expireTime: timestampFromMs(scene.installation.clock.time) }, "ended"],
    ] as const) {
      await expect(scene.inviteGuardian(more)).rejects.toSatisfy(refused(words));
    }
  });

  test("ends with the grounds", async () => {
    const scene = await createScene();
    await scene.inviteGuardian({ expireTime: timestampFromMs(scene.installation.clock.time + 30 * day) });
    await scene.accept("usr_grace");
    scene.installation.clock.time += 30 * day - 1;
    expect(await scene.acting("usr_grace")).toEqual({ kind: "guardian" });
    scene.installation.clock.time += 1;
    expect(await scene.acting("usr_grace")).toBeUndefined();
  });

  test("is disputed, comes back, and is blocked: then no new invitation helps, and only the officer lifts it", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const clinic = await createOwned(installation);
    const owner = member("usr_owner", clinic, "owner");
    const patient = installation.pairwise.outward(clinic, scene.id);
    const { delegation } = await scene.inviteGuardian({ patient }, owner);
    const id = delegation!.id;
    const set = (state: Delegation_State, by: Caller = owner) =>
      installation.as(by).delegations.setGuardianState({ delegation: id, state, reason: "court" });
    await expect(set(Delegation_State.ACTIVE)).rejects.toSatisfy(denied("nobody has accepted"));
    await scene.accept("usr_grace");
    const ended: string[] = [];
    installation.service.onAccessEnded((one) => ended.push(one));
    await set(Delegation_State.DISPUTED);
    expect(await scene.acting("usr_grace")).toBeUndefined();
    await set(Delegation_State.ACTIVE);
    expect(await scene.acting("usr_grace")).toEqual({ kind: "guardian" });
    const blocked = await set(Delegation_State.BLOCKED);
    expect(blocked.delegation!.grounds).toMatch(
      /birth certificate[\s\S]*disputed: court[\s\S]*blocked: court/,
    );
    expect(ended).toEqual(["usr_grace", "usr_grace"]);
    await scene.inviteGuardian({ requestId: "again" });
    await expect(scene.accept("usr_grace")).rejects.toSatisfy(invalid);
    await expect(
      installation.as(person("usr_grace")).delegations.endDelegation({ delegation: id }),
    ).rejects.toSatisfy(denied());
    await expect(set(Delegation_State.ACTIVE)).rejects.toSatisfy(denied("privacy officer"));
    await expect(
      set(Delegation_State.ACTIVE, member("usr_owner", await createOwned(installation, "Other"), "owner")),
    ).rejects.toMatchObject({ code: Code.NotFound });
    await set(Delegation_State.ACTIVE, officer);
    expect(await scene.acting("usr_grace")).toEqual({ kind: "guardian" });
  });

  test("is one of several; the patient ends none, and a guardian takes a carer back", async () => {
    const scene = await createScene();
    const { installation } = scene;
    const { delegation } = await scene.inviteGuardian();
    await scene.accept("usr_one");
    await scene.inviteGuardian({ requestId: "two" });
    await scene.accept("usr_two");
    expect([await scene.acting("usr_one"), await scene.acting("usr_two")]).toEqual([
      { kind: "guardian" },
      { kind: "guardian" },
    ]);
    await expect(
      installation.as(scene.caller).delegations.endDelegation({ delegation: delegation!.id }),
    ).rejects.toSatisfy(denied("who verified it"));
    const carer = await namedCarer(scene, "usr_carer");
    const guardian = installation.as(actingAs(scene, "guardian", "usr_one"));
    await guardian.delegations.endDelegation({ delegation: carer });
    expect(await scene.acting("usr_carer")).toBeUndefined();
  });
});

test("an internal token of a carer is not exchanged again once the access is over", async () => {
  const scene = await createScene();
  const { installation } = scene;
  const id = await namedCarer(scene);
  const keys = await openSigningKeys({
    repository: createInstallationKeyRepository(installation.store, installation.kms),
    journal: {} as never,
    clock: installation.clock,
    log: silentLogger,
  });
  onTestFinished(() => keys.close());
  const tokens = createTokenIssuer({ trustDomain: "wellapi.local", keys, clock: installation.clock });
  const token = await tokens.signInternal(
    {
      principal: actingAs(scene, "carer", "usr_grace").principal,
      credentialEnd: installation.clock.time + day,
    },
    "gateway",
  );
  const again = () =>
    installation.exchange("records")({ credential: { case: "internalToken", value: token.token } });
  await again();
  await installation.as(scene.caller).delegations.endDelegation({ delegation: id });
  await expect(again()).rejects.toSatisfy(problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "any more"));
});

test("whoever was born on 29 February comes of age on 1 March, and each at midnight of their own zone", () => {
  const berlin = [{ timeZone: "Europe/Berlin" }];
  expect(majorityOf("2008-02-29", 18, berlin)).toBe(Date.UTC(2026, 1, 28, 23));
  expect(majorityOf("2008-02-29", 16, berlin)).toBe(Date.UTC(2024, 1, 28, 23));
  const moved = [...berlin, { startTime: Date.UTC(2026, 0, 1), timeZone: "Pacific/Auckland" }];
  expect(majorityOf("2008-07-01", 18, moved)).toBe(Date.UTC(2026, 5, 30, 12));
  expect(majorityOf("2007-07-01", 18, moved)).toBe(Date.UTC(2025, 5, 30, 22));
});
