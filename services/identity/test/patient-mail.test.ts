/** Who is told what happened to a record, and mail to patients for the service that tells it, which learns no address. */
import { randomUUID } from "node:crypto";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Delegation_State } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { ApplyDeathRequest_Event as Event } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Caller } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { DAY } from "../src/credentials/credential.ts";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { codeTo, createOwned, join, person, staff } from "./members.ts";
import { callerOf, register } from "./people.ts";

const email = "ada@canary.example";
const service = (id: string): Caller => ({ principal: { kind: "service", id }, workload: id, token: "" });
const letter = { messageId: "ntc_1.usr_1", subject: "News", text: "See {origin}/me/" };

const freeze = (installation: Installation, partition: string) =>
  installation.as(service("consent")).deaths.applyDeath({
    organization: "",
    deathReport: "dth_1",
    partition,
    change: 1,
    freezeTime: timestampFromMs(installation.clock.time),
    event: Event.CONFIRMED,
  });

test("goes to the patient's own account, whose address is not told; to nobody else, and not while the record is frozen", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation, email);
  const partition = (await callerOf(installation, signedIn, "")).principal.partition!;
  const { patientMail } = installation.as(service("notices"));
  const sent = () => installation.mailbox.mails.filter(({ text }) => text.startsWith("See "));

  const found = await patientMail.listMailRecipients({ partition });
  expect(found.recipients).toMatchObject([{ language: "en", hides: [] }]);
  expect(JSON.stringify(found)).not.toContain("canary");
  const { account } = found.recipients[0]!;
  expect(await patientMail.sendPatientMail({ ...letter, partition, account })).toMatchObject({ sent: true });
  expect(sent()).toMatchObject([{ to: email, text: expect.stringMatching(/^See https?:\/\/.+\/me\/$/) }]);
  const other = { ...letter, partition, account: "usr_another" };
  expect(await patientMail.sendPatientMail(other)).toMatchObject({ sent: false });

  await freeze(installation, partition);
  expect((await patientMail.listMailRecipients({ partition })).recipients).toEqual([]);
  expect(await patientMail.sendPatientMail({ ...letter, partition, account })).toMatchObject({ sent: false });
  expect(sent()).toHaveLength(1);
});

test("of a webhook endpoint goes to those who develop for the organization, until the mail server has it, and to no one else", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  await join(installation, organization, "usr_dora", Role.DEVELOPER);
  await join(installation, organization, "usr_otto", Role.AUDITOR);
  const { memberMail } = installation.as(service("notices"));
  const letters = [{ language: "en", subject: "News", text: "Look at {origin}/developers/" }];
  const message = { organization, messageId: "whe_1.gone.1", letters };
  installation.mailbox.fails = true;
  expect(await memberMail.tellDevelopers(message)).toMatchObject({ told: 2 });
  // It waits: asked for again it is the same.
  expect(await memberMail.tellDevelopers(message)).toMatchObject({ told: 2 });
  installation.mailbox.fails = false;
  installation.clock.time += DAY;
  await memberMail.tellDevelopers({ ...message, messageId: "whe_1.gone.2" });
  const told = () => installation.mailbox.mails.filter(({ text }) => text.startsWith("Look at https://"));
  await expect
    .poll(
      () =>
        told()
          .map(({ to, id }) => `${id} ${to}`)
          .sort(),
      { timeout: 15_000 },
    )
    .toEqual([
      "whe_1.gone.1.usr_dora usr_dora@clinic.example",
      "whe_1.gone.1.usr_owner usr_owner@clinic.example",
      "whe_1.gone.2.usr_dora usr_dora@clinic.example",
      "whe_1.gone.2.usr_owner usr_owner@clinic.example",
    ]);
  await installation.as(operator).organizations.disableOrganization({ organization });
  expect(await memberMail.tellDevelopers(message)).toMatchObject({ told: 0 });
});

test("goes to guardians while they count, and so does mail of emergencies and deaths: to none whose grounds have ended or who is disputed", async () => {
  const installation = await createInstallation();
  const { clock, mailbox } = installation;
  const { patient, partition } = await createPatient(installation);
  const officer = () => installation.as(staff("usr_officer", "privacy_officer"));
  const accounts = new Map<string, string>();
  /** The officer enters them, and they accept. */
  const enter = async (name: string, more: { readonly expireTime?: Timestamp } = {}) => {
    const to = `${name}@canary.example`;
    if (!accounts.has(name)) {
      const { signedIn } = await register(installation, to, { withoutPatient: true });
      accounts.set(name, signedIn.account);
    }
    const asked = { patient: patient.id, email: to, displayName: name, grounds: "order 1", ...more };
    const { delegation } = await officer().delegations.inviteGuardian({ ...asked, requestId: randomUUID() });
    const own = installation.as(person(accounts.get(name)!));
    await own.delegations.acceptDelegation({ code: codeTo(installation, to) });
    return delegation!.id;
  };
  const listed = async () => {
    const { recipients } = await installation
      .as(service("notices"))
      .patientMail.listMailRecipients({ partition });
    return recipients.map(({ account }) => account);
  };
  /** To whom mail with the words has gone; the outbox has sent what it owes when it is closed. */
  const told = async (words: string) => {
    await installation.reopen();
    return mailbox.mails.filter(({ text }) => text.includes(words)).map(({ to }) => to);
  };
  await enter("grace");
  await enter("ended", { expireTime: timestampFromMs(clock.time + DAY) });
  await enter("disputed");
  const disputed = {
    delegation: await enter("disputed"),
    state: Delegation_State.DISPUTED,
    reason: "papers",
  };
  expect(new Set(await listed())).toEqual(new Set(accounts.values()));
  await officer().delegations.setGuardianState(disputed);
  clock.time += DAY;
  expect(await listed()).toEqual([accounts.get("grace")]);
  const createTime = timestampFromMs(clock.time);
  const emergency = { partition, organization: "org_1", emergencyAccess: "emg_1", createTime };
  await installation.as(service("consent")).emergencies.tellEmergencyAccess(emergency);
  expect(await told("/account/emergency")).toEqual(["grace@canary.example"]);
  await freeze(installation, partition);
  expect(await told("is frozen")).toEqual(["grace@canary.example"]);
  expect(await listed()).toEqual([]);
});

test("those who act for a minor may be told without the minor's own care, until they cease to; nobody once the record is frozen or erased", async () => {
  const installation = await createInstallation();
  const { patient, partition, caller } = await createPatient(installation);
  const { directory } = installation.as(service("notices"));
  const { delegations } = installation.as(staff("usr_officer", "privacy_officer"));
  const [guardian, carer] = ["grace@canary.example", "carl@canary.example"];
  const of = { patient: patient.id, displayName: "Grace", requestId: "guardian" };
  // 16 years old.
  const verified = { ...of, email: guardian, grounds: "birth certificate", birthDate: "2010-07-10" };
  const { delegation } = await delegations.inviteGuardian(verified);
  await installation.as(caller).delegations.inviteCarer({ ...of, email: carer, requestId: "carer" });
  for (const [account, email] of [
    ["usr_grace", guardian],
    ["usr_carl", carer],
  ] as const) {
    const code = codeTo(installation, email);
    await installation.as(person(account)).delegations.acceptDelegation({ code });
  }
  const accounts = ["usr_grace", "usr_carl", "usr_another"];
  const readers = () => directory.resolveReaders({ partition, accounts });
  const hides = ["reproductive", "mental_health", "substance_use", "sexual_health"];
  expect(await readers()).toMatchObject({
    patient: true,
    readers: [
      { account: "usr_grace", hides },
      { account: "usr_carl", hides },
    ],
  });
  const ended = { delegation: delegation!.id, state: Delegation_State.ENDED, reason: "moved" };
  await delegations.setGuardianState(ended);
  expect((await readers()).readers.map(({ account }) => account)).toEqual(["usr_carl"]);

  await freeze(installation, partition);
  expect(await readers()).toMatchObject({ patient: false, readers: [] });
  const undone = { organization: "", deathReport: "dth_1", partition, change: 2, event: Event.UNDONE };
  await installation.as(service("consent")).deaths.applyDeath(undone);
  expect(await readers()).toMatchObject({ patient: true, readers: [{ account: "usr_carl" }] });
  await installation.as(service("records")).directory.markErased({ partition });
  expect(await readers()).toMatchObject({ patient: false, readers: [] });
  const unknown = `local/pat_${"0".repeat(26)}`;
  await expect(directory.resolveReaders({ partition: unknown, accounts })).rejects.toMatchObject({
    code: Code.NotFound,
  });
});
