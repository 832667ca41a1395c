import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { ActingOption_Kind } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { Assurance, Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { createSoftwarePasskey } from "@wellapi/software-passkey";
import { TOTP } from "otpauth";
import { expect, test } from "vitest";
import { createInstallation, type Installation } from "./installation.ts";
import { createOwned, join as joinAs, member } from "./members.ts";
import {
  accountOf,
  anybody,
  callerOf,
  codeFor,
  ORIGIN,
  otherThan,
  register,
  registerByEmail,
  signInBy,
  signInByEmail,
  stepUp,
} from "./people.ts";
import { problem } from "./problem.ts";

const email = "ada@example.com";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ended = problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "session has ended");
const flowInvalid = problem(Code.Unauthenticated, "FLOW_INVALID");
const codeWrong = problem(Code.Unauthenticated, "CODE_WRONG");
const assuranceRequired = problem(Code.PermissionDenied, "ASSURANCE_REQUIRED");

async function addPasskey(installation: Installation, signedIn: Parameters<typeof accountOf>[1]) {
  const account = await accountOf(installation, signedIn);
  const { flow, options } = await account.beginPasskey({});
  const passkey = createSoftwarePasskey(ORIGIN);
  const answer = JSON.stringify(passkey.register(JSON.parse(options)));
  const added = await account.finishPasskey({ flow, passkey: answer, displayName: "Phone" });
  return { passkey, added: added.passkey!, signedIn: added.signedIn! };
}

const subjectsTo = ({ mailbox }: Installation, address: string) =>
  mailbox.mails.filter(({ to }) => to === address).map(({ text }) => text);

test("a person sees and changes their own account", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const account = await accountOf(installation, signedIn);
  const { account: seen } = await account.getAccount({});
  expect(seen).toMatchObject({
    id: signedIn.account,
    email,
    displayName: "Ada Canary-Lovelace",
    language: "en",
  });
  const change = { displayName: "Ada", language: "de-AT", etag: seen!.etag };
  const { account: changed } = await account.updateAccount({ account: change });
  expect(changed).toMatchObject({ displayName: "Ada", language: "de", email });
  await expect(account.updateAccount({ account: change })).rejects.toSatisfy(
    problem(Code.Aborted, "STALE_ETAG"),
  );
  const { options } = await account.listActingOptions({});
  expect(options.map(({ kind }) => kind)).toEqual([ActingOption_Kind.ACCOUNT, ActingOption_Kind.PATIENT]);
  const { principal } = await callerOf(installation, signedIn, options[1]!.actingAs);
  expect(principal.kind).toBe("patient");
});

test("nobody acts as what is not theirs", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const other = await register(installation, "bob@example.com");
  const bob = (await callerOf(installation, other.signedIn, "")).principal.id;
  const others = installation.pairwise.outward("installation", bob);
  for (const actingAs of [others, "org_00000000000000000000000001", "staff", "pat_1", "everybody"]) {
    await expect(callerOf(installation, signedIn, actingAs)).rejects.toSatisfy(
      problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
    );
  }
});

test("a session without calls ends after 30 minutes, another look at a stream is no call, and 12 hours end it anyway", async () => {
  const installation = await createInstallation();
  const { clock } = installation;
  const { signedIn } = await register(installation);
  clock.time += 20 * MINUTE;
  await callerOf(installation, signedIn);
  clock.time += 20 * MINUTE;
  await callerOf(installation, signedIn, "account", true);
  clock.time += 10 * MINUTE;
  await expect(callerOf(installation, signedIn, "account", true)).rejects.toSatisfy(ended);
  await expect(callerOf(installation, signedIn)).rejects.toSatisfy(ended);

  const long = await register(installation, "bob@example.com");
  for (let i = 0; i < 35; i++) {
    clock.time += 20 * MINUTE;
    await callerOf(installation, long.signedIn);
  }
  clock.time += 20 * MINUTE;
  await expect(callerOf(installation, long.signedIn)).rejects.toSatisfy(ended);
});

test("another secret for the same session is refused", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const { sessionSecret } = signedIn;
  const last = sessionSecret.at(-1) === "A" ? "B" : "A";
  for (const secret of [
    `${sessionSecret.slice(0, -1)}${last}`,
    sessionSecret.slice(0, -43),
    "wellapi_ss_",
    "x",
  ]) {
    await expect(callerOf(installation, { sessionSecret: secret })).rejects.toSatisfy(ended);
  }
});

test("sessions are listed and ended, one or all; what was made from them is refused, too", async () => {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation);
  const phone = await signInBy(installation, passkey);
  const tablet = await signInBy(installation, passkey);
  const account = await accountOf(installation, signedIn);
  const { sessions } = await account.listSessions({});
  expect(sessions.map(({ id, current }) => [id, current]).sort()).toEqual(
    [
      [signedIn.session!.id, true],
      [phone.session!.id, false],
      [tablet.session!.id, false],
    ].sort(),
  );
  const { token } = await callerOf(installation, phone);
  const told: string[] = [];
  installation.service.onAccessEnded((id) => told.push(id));
  expect((await account.endSessions({ sessions: [phone.session!.id] })).ended).toBe(1);
  expect(told).toEqual([phone.session!.id]);
  await expect(callerOf(installation, phone)).rejects.toSatisfy(ended);
  const onward = installation.exchange("records")({ credential: { case: "internalToken", value: token } });
  await expect(onward).rejects.toSatisfy(ended);
  expect((await account.endSessions({ sessions: [phone.session!.id] })).ended).toBe(0);
  expect((await account.endSessions({ others: true })).ended).toBe(1);
  await callerOf(installation, signedIn);
  expect((await account.endSessions({ current: true })).ended).toBe(1);
  await expect(callerOf(installation, signedIn)).rejects.toSatisfy(ended);
});

test("nobody ends a session of another account", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const other = await register(installation, "bob@example.com");
  const account = await accountOf(installation, signedIn);
  expect((await account.endSessions({ sessions: [other.signedIn.session!.id] })).ended).toBe(0);
  await callerOf(installation, other.signedIn);
});

test("a step-up makes the session fresh for five minutes, under a new secret and with the old end", async () => {
  const installation = await createInstallation();
  const { clock } = installation;
  const { signedIn, passkey } = await register(installation);
  clock.time += 6 * MINUTE;
  const stale = await accountOf(installation, signedIn);
  await expect(stale.createRecoveryCodes({})).rejects.toSatisfy(assuranceRequired);
  const fresh = await stepUp(installation, signedIn, passkey);
  expect(fresh.session).toMatchObject({
    assurance: Assurance.FRESH,
    expireTime: signedIn.session!.expireTime,
  });
  expect(fresh.sessionSecret).not.toBe(signedIn.sessionSecret);
  await expect(callerOf(installation, signedIn)).rejects.toSatisfy(ended);
  await (await accountOf(installation, fresh)).createRecoveryCodes({});
  clock.time += 5 * MINUTE;
  await expect((await accountOf(installation, fresh)).createRecoveryCodes({})).rejects.toSatisfy(
    assuranceRequired,
  );
});

test("a step-up takes no passkey of somebody else, and no flow of another session", async () => {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation);
  const eve = await register(installation, "eve@example.com");
  await expect(stepUp(installation, signedIn, eve.passkey)).rejects.toSatisfy(
    problem(Code.Unauthenticated, "PASSKEY_REFUSED"),
  );
  const { flow, options } = await (await accountOf(installation, eve.signedIn)).beginStepUp({});
  const value = JSON.stringify(passkey.signIn(JSON.parse(options)));
  await expect(
    (await accountOf(installation, signedIn)).finishStepUp({ flow, proof: { case: "passkey", value } }),
  ).rejects.toSatisfy(flowInvalid);
});

test("another passkey ends the other sessions, and the address is told", async () => {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation);
  const thief = await signInBy(installation, passkey);
  const { passkey: second, added, signedIn: after } = await addPasskey(installation, signedIn);
  expect(added.displayName).toBe("Phone");
  await expect(callerOf(installation, thief)).rejects.toSatisfy(ended);
  await expect.poll(() => subjectsTo(installation, email).at(-1)).toContain("A passkey was added");
  const account = await accountOf(installation, after);
  const { passkeys } = await account.listPasskeys({});
  expect(passkeys).toHaveLength(2);
  await account.removePasskey({ passkey: passkeys[0]!.id });
  await expect(signInBy(installation, passkey)).rejects.toSatisfy(
    problem(Code.Unauthenticated, "PASSKEY_REFUSED"),
  );
  await signInBy(installation, second);
  await expect(account.removePasskey({ passkey: added.id })).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "LAST_WAY_IN"),
  );
});

test("a session by a code adds no way in to an account that has one, and removes none", async () => {
  const installation = await createInstallation();
  await register(installation);
  const thief = await accountOf(installation, await signInByEmail(installation));
  await expect(thief.beginPasskey({})).rejects.toSatisfy(assuranceRequired);
  await expect(thief.beginTotp({})).rejects.toSatisfy(assuranceRequired);
  await expect(thief.createRecoveryCodes({})).rejects.toSatisfy(assuranceRequired);
  await expect(thief.beginEmailChange({ email: "eve@example.com" })).rejects.toSatisfy(assuranceRequired);
  await expect(thief.updateAccount({ account: { displayName: "Eve" } })).rejects.toSatisfy(assuranceRequired);
  const [own] = (await thief.listPasskeys({})).passkeys;
  await expect(thief.removePasskey({ passkey: own!.id })).rejects.toSatisfy(assuranceRequired);
});

test("a new address counts once its code is shown; the old one is told, and other sessions end", async () => {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation);
  const elsewhere = await signInBy(installation, passkey);
  const account = await accountOf(installation, signedIn);
  const next = "ada@new.example.com";
  const { flow } = await account.beginEmailChange({ email: next });
  const code = codeFor(installation, next);
  await expect(account.finishEmailChange({ flow, code: otherThan(code) })).rejects.toSatisfy(codeWrong);
  // Not from another session, whose tries count for nothing.
  const other = await accountOf(installation, elsewhere);
  for (let i = 0; i < 6; i++) {
    await expect(other.finishEmailChange({ flow, code })).rejects.toSatisfy(flowInvalid);
  }
  expect((await account.finishEmailChange({ flow, code })).account!.email).toBe(next);
  for (const address of [email, next]) {
    await expect
      .poll(() => subjectsTo(installation, address).at(-1))
      .toContain("address of your account was changed");
  }
  await expect(callerOf(installation, elsewhere)).rejects.toSatisfy(ended);
  expect((await signInByEmail(installation, next)).account).toBe(signedIn.account);
  // The old address is free.
  await registerByEmail(installation, email);
  const back = await account.beginEmailChange({ email });
  await expect(
    account.finishEmailChange({ flow: back.flow, code: codeFor(installation, email) }),
  ).rejects.toSatisfy(problem(Code.AlreadyExists, "EMAIL_IN_USE"));
});

test("an authenticator app is a second factor: each of its codes counts once, and guesses are bounded", async () => {
  const installation = await createInstallation();
  const { clock } = installation;
  const { signedIn } = await register(installation);
  const account = await accountOf(installation, signedIn);
  const { flow, secret, uri } = await account.beginTotp({});
  expect(uri).toContain("otpauth://totp/WellAPI:");
  const app = new TOTP({ secret });
  const codeNow = () => app.generate({ timestamp: clock.time });
  await expect(account.finishTotp({ flow, code: otherThan(codeNow()) })).rejects.toSatisfy(codeWrong);
  const used = codeNow();
  await account.finishTotp({ flow, code: used });

  const byCode = await signInByEmail(installation);
  expect(byCode.session!.assurance).toBe(Assurance.CODE);
  const mine = await accountOf(installation, byCode);
  const show = async (value: string) => {
    const begun = await mine.beginStepUp({});
    return mine.finishStepUp({ flow: begun.flow, proof: { case: "totp", value } });
  };
  await expect(show(used)).rejects.toSatisfy(codeWrong);
  for (let i = 0; i < 9; i++) await expect(show("000000")).rejects.toSatisfy(codeWrong);
  clock.time += MINUTE;
  await expect(show(codeNow())).rejects.toSatisfy(problem(Code.ResourceExhausted, "GUESSES_LIMITED"));
  clock.time += HOUR;
  const later = await signInByEmail(installation);
  const again = await accountOf(installation, later);
  const begun = await again.beginStepUp({});
  expect(begun.totp).toBe(true);
  const { signedIn: fresh } = await again.finishStepUp({
    flow: begun.flow,
    proof: { case: "totp", value: codeNow() },
  });
  expect(fresh!.session!.assurance).toBe(Assurance.FRESH);
});

test("a recovery code counts once, also for many at a time, however it is typed", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const account = await accountOf(installation, signedIn);
  const { codes } = await account.createRecoveryCodes({});
  expect(new Set(codes).size).toBe(10);
  const sessions = [];
  for (let i = 0; i < 3; i++) sessions.push(await signInByEmail(installation));
  const typed = codes[3]!.toUpperCase().replace("-", " ").replaceAll("0", "O").replaceAll("1", "l");
  const answers = await Promise.allSettled(
    sessions.map(async (session) => {
      const mine = await accountOf(installation, session);
      const { flow } = await mine.beginStepUp({});
      return mine.finishStepUp({ flow, proof: { case: "recoveryCode", value: typed } });
    }),
  );
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect((await account.getAccount({})).account!.recoveryCodes).toBe(9);
  await expect
    .poll(() => subjectsTo(installation, email).at(-1))
    .toContain("A recovery code of your account was used");
});

test("a recovery waits 72 hours, is told, and then replaces every way in", async () => {
  const installation = await createInstallation();
  const { clock } = installation;
  const { passkey: lost } = await register(installation);
  const asking = await accountOf(installation, await signInByEmail(installation));
  await asking.startRecovery({});
  await asking.startRecovery({});
  await expect
    .poll(() => subjectsTo(installation, email).filter((text) => text.includes("/recovery/stop#")))
    .toHaveLength(1);
  clock.time += 72 * HOUR - MINUTE;
  const early = await accountOf(installation, await signInByEmail(installation));
  await expect(early.beginPasskey({})).rejects.toSatisfy(assuranceRequired);
  clock.time += 2 * MINUTE;
  const { passkey, signedIn } = await addPasskey(installation, await signInByEmail(installation));
  await expect(signInBy(installation, lost)).rejects.toSatisfy(
    problem(Code.Unauthenticated, "PASSKEY_REFUSED"),
  );
  await signInBy(installation, passkey);
  expect((await (await accountOf(installation, signedIn)).getAccount({})).account!.recovery).toBeUndefined();
});

test("a recovery is stopped by the notice's link, and by any session", async () => {
  const installation = await createInstallation();
  const { clock } = installation;
  const { signedIn, passkey } = await register(installation);
  const asking = await accountOf(installation, await signInByEmail(installation));
  await asking.startRecovery({});
  const link = () => subjectsTo(installation, email).findLast((text) => text.includes("/recovery/stop#"));
  await expect.poll(link).toBeDefined();
  const stop = /stop#(\S+)/.exec(link()!)![1]!;
  const { signIn } = anybody(installation);
  await signIn.stopRecovery({ stop: `${stop.slice(0, -1)}!` });
  expect((await asking.getAccount({})).account!.recovery).toBeDefined();
  await signIn.stopRecovery({ stop });
  await signIn.stopRecovery({ stop });
  expect((await asking.getAccount({})).account!.recovery).toBeUndefined();

  await asking.startRecovery({});
  await (await accountOf(installation, signedIn)).cancelRecovery({});
  clock.time += 73 * HOUR;
  const late = await accountOf(installation, await signInByEmail(installation));
  await expect(late.beginPasskey({})).rejects.toSatisfy(assuranceRequired);
  await signInBy(installation, passkey);
});

test("an alert that could not be sent goes out later, also after a restart", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  installation.mailbox.fails = true;
  await (await accountOf(installation, signedIn)).createRecoveryCodes({});
  await installation.reopen(async () => {
    installation.mailbox.fails = false;
    installation.clock.time += 11 * MINUTE;
  });
  await expect.poll(() => subjectsTo(installation, email).at(-1)).toContain("New recovery codes were made");
});

test("a restore brings no ended session and no removed passkey back", async () => {
  const installation = await createInstallation();
  const { folder } = installation;
  const { signedIn, passkey: stolen } = await register(installation);
  const { passkey, signedIn: mine } = await addPasskey(installation, signedIn);
  const thief = await signInBy(installation, stolen);
  await installation.reopen(() => cp(join(folder, "identity.db"), join(folder, "backup.db")));
  const account = await accountOf(installation, mine);
  const [first] = (await account.listPasskeys({})).passkeys;
  await account.removePasskey({ passkey: first!.id });
  await expect(callerOf(installation, thief)).rejects.toSatisfy(ended);
  await installation.reopen(async () => {
    for (const end of ["-wal", "-shm"]) await rm(join(folder, `identity.db${end}`), { force: true });
    await cp(join(folder, "backup.db"), join(folder, "identity.db"));
  });
  await expect(callerOf(installation, thief)).rejects.toSatisfy(ended);
  await expect(signInBy(installation, stolen)).rejects.toSatisfy(
    problem(Code.Unauthenticated, "PASSKEY_REFUSED"),
  );
  await callerOf(installation, mine);
  await signInBy(installation, passkey);
  const replayed = (await installation.leaves()).filter(
    ({ access }) => access.reason === "REPLAYED_AFTER_RESTORE",
  );
  expect(replayed.map(({ access }) => access.method).sort()).toEqual([
    "wellapi.identity.v1.AccountService/EndSessions",
    "wellapi.identity.v1.AccountService/RemovePasskey",
  ]);
});

test("as a member of an organization a session is idle after 15 minutes, and over once the membership is", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const organization = await createOwned(installation);
  await expect(callerOf(installation, signedIn, organization)).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );
  await joinAs(installation, organization, signedIn.account, Role.CLINICIAN);
  const as = await callerOf(installation, signedIn, organization);
  expect(as.principal).toMatchObject({
    kind: "member",
    id: signedIn.account,
    organization,
    roles: ["clinician"],
    credential: signedIn.session!.id,
    assurance: "fresh",
  });
  const { options } = await (await accountOf(installation, signedIn)).listActingOptions({});
  expect(options.at(-1)).toMatchObject({
    kind: ActingOption_Kind.MEMBER,
    actingAs: organization,
    displayName: "Heart Clinic",
    roles: ["clinician"],
  });
  const owner = installation.as(member("usr_owner", organization, "owner")).members;
  await owner.removeMember({ organization, account: signedIn.account });
  await expect(callerOf(installation, signedIn, organization)).rejects.toThrow();
  const onward = { credential: { case: "internalToken" as const, value: as.token } };
  await expect(installation.exchange("records")(onward)).rejects.toThrow();

  await joinAs(installation, organization, signedIn.account, Role.CLINICIAN);
  installation.clock.time += 15 * MINUTE;
  await expect(callerOf(installation, signedIn, organization)).rejects.toSatisfy(ended);
  await callerOf(installation, signedIn);
});
