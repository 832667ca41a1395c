import { Code } from "@connectrpc/connect";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { createSoftwarePasskey } from "@wellapi/software-passkey";
import { expect, test } from "vitest";
import { createInstallation } from "./installation.ts";
import {
  accountOf,
  anybody,
  callerOf,
  codeFor,
  ORIGIN,
  otherThan,
  register,
  registerByEmail,
  sendCode,
  signInBy,
  signInByEmail,
  verifiedAddress,
} from "./people.ts";
import { problem } from "./problem.ts";

const email = "ada@example.com";
const MINUTE = 60_000;
const flowInvalid = problem(Code.Unauthenticated, "FLOW_INVALID");
const codeWrong = problem(Code.Unauthenticated, "CODE_WRONG");
const passkeyRefused = problem(Code.Unauthenticated, "PASSKEY_REFUSED");

test("a person registers with a passkey, is a patient, and signs in with it again", async () => {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation, email, { timeZone: "Europe/Berlin" });
  expect(signedIn.session).toMatchObject({ assurance: Assurance.FRESH, current: true });
  const as = await callerOf(installation, signedIn, "");
  expect(as.principal).toMatchObject({
    kind: "patient",
    credential: signedIn.session!.id,
    assurance: "fresh",
    freshUntil: Math.floor((installation.clock.time + 5 * MINUTE) / 1_000) * 1_000,
  });
  expect(as.principal.actor).toBeUndefined();
  const own = installation.pairwise.outward("installation", as.principal.id);
  const { patient } = await installation.as(as).patients.getPatient({ patient: own });
  expect(patient).toMatchObject({ displayName: "Ada Canary-Lovelace", homeRegion: "local" });
  expect(patient!.timeZones.map(({ timeZone }) => timeZone)).toEqual(["Europe/Berlin"]);

  installation.clock.time += 6 * MINUTE;
  const again = await signInBy(installation, passkey);
  expect(again.account).toBe(signedIn.account);
  expect(again.session!.id).not.toBe(signedIn.session!.id);
  expect((await callerOf(installation, again, "")).principal.id).toBe(as.principal.id);
  // The first one is not fresh any more.
  expect((await callerOf(installation, signedIn)).principal.assurance).toBe("passkey");
});

test("who registers without data of their own is no patient", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation, email, { withoutPatient: true });
  const { principal } = await callerOf(installation, signedIn, "");
  expect(principal).toMatchObject({ kind: "person", id: signedIn.account });
});

test("a registration that was cut short before its patient is completed at the next sign-in", async () => {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation);
  const { partition } = (await callerOf(installation, signedIn, "")).principal;
  await installation.store.commit({
    partition: partition!,
    changes: [{ kind: "delete", collection: "patients", key: [partition!] }],
  });
  expect((await callerOf(installation, signedIn, "")).principal.kind).toBe("person");
  await signInBy(installation, passkey);
  expect((await callerOf(installation, signedIn, "")).principal).toMatchObject({
    kind: "patient",
    partition,
  });
});

test("a code by e-mail signs in, once, with the least assurance", async () => {
  const installation = await createInstallation();
  await register(installation);
  const { signIn } = anybody(installation);
  const { flow } = await signIn.sendCode({ email: " Ada@Example.COM" });
  const code = codeFor(installation, email);
  const { outcome } = await signIn.verifyCode({ flow, code: `${code.slice(0, 3)} ${code.slice(3)}` });
  expect(outcome.case).toBe("signedIn");
  expect((outcome.value as { session: { assurance: number } }).session.assurance).toBe(Assurance.CODE);
  await expect(signIn.verifyCode({ flow, code })).rejects.toSatisfy(flowInvalid);
});

test("no answer says whether an account has an address", async () => {
  const installation = await createInstallation();
  await register(installation);
  const { signIn } = anybody(installation);
  const shapes = [];
  for (const address of [email, "nobody@example.com"]) {
    const sent = await signIn.sendCode({ email: address });
    const wrong = otherThan(codeFor(installation, address));
    const refusal = await signIn.verifyCode({ flow: sent.flow, code: wrong }).catch(String);
    shapes.push({ expireTime: sent.expireTime, length: sent.flow.length, refusal });
  }
  expect(shapes[0]).toEqual(shapes[1]);
});

test("twenty callers who guess a code at once have five tries together, and the code is over then", async () => {
  const installation = await createInstallation();
  await register(installation);
  const { flow, code } = await sendCode(installation, email);
  const before = installation.mailbox.mails.length;
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, () =>
      anybody(installation).signIn.verifyCode({ flow, code: otherThan(code) }),
    ),
  );
  const reasons = answers.map((answer) => (answer.status === "rejected" ? answer.reason : undefined));
  expect(reasons.filter(codeWrong)).toHaveLength(5);
  expect(reasons.filter(flowInvalid)).toHaveLength(15);
  await expect(anybody(installation).signIn.verifyCode({ flow, code })).rejects.toSatisfy(flowInvalid);
  await expect.poll(() => installation.mailbox.mails.slice(before).map(({ to }) => to)).toEqual([email]);
  const denied = (await installation.leaves()).filter(({ access }) => access.reason === "CODE_WRONG");
  expect(denied.every(({ access }) => access.method.endsWith("SignInService/VerifyCode"))).toBe(true);
});

test("of many who show the right code at once, one is signed in", async () => {
  const installation = await createInstallation();
  await register(installation);
  const shown = await sendCode(installation, email);
  const answers = await Promise.allSettled(
    Array.from({ length: 5 }, () => anybody(installation).signIn.verifyCode(shown)),
  );
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a code is over after ten minutes", async () => {
  const installation = await createInstallation();
  await register(installation);
  const shown = await sendCode(installation, email);
  installation.clock.time += 10 * MINUTE;
  await expect(anybody(installation).signIn.verifyCode(shown)).rejects.toSatisfy(flowInvalid);
});

test("an address gets five codes an hour and fifteen a day, whether or not it has an account", async () => {
  const installation = await createInstallation();
  const limited = problem(Code.ResourceExhausted, "CODES_LIMITED");
  const { signIn } = anybody(installation);
  for (let hour = 0; hour < 3; hour++) {
    for (let i = 0; i < 5; i++) await signIn.sendCode({ email });
    await expect(signIn.sendCode({ email })).rejects.toSatisfy(limited);
    installation.clock.time += 60 * MINUTE;
  }
  await expect(signIn.sendCode({ email })).rejects.toSatisfy(limited);
  await signIn.sendCode({ email: "other@example.com" });
  installation.clock.time += 22 * 60 * MINUTE;
  await signIn.sendCode({ email });
});

test("without a mail server nothing begins, and the answer says what the operator has to do", async () => {
  const installation = await createInstallation();
  installation.mailbox.fails = true;
  await expect(anybody(installation).signIn.sendCode({ email })).rejects.toThrow();
});

test.each(["ada", "ada@", "ada@localhost", "ada@example.com\r\nBcc: eve@example.com", '"ada"@example.com'])(
  "%j is no address",
  async (address) => {
    const installation = await createInstallation();
    await expect(anybody(installation).signIn.sendCode({ email: address })).rejects.toSatisfy(
      problem(Code.InvalidArgument, "INVALID_FIELD", "email"),
    );
  },
);

test("a passkey's answer counts once", async () => {
  const installation = await createInstallation();
  const { passkey } = await register(installation);
  const { signIn } = anybody(installation);
  const { flow, options } = await signIn.beginSignIn({});
  const answer = { flow, passkey: JSON.stringify(passkey.signIn(JSON.parse(options))) };
  await signIn.finishSignIn(answer);
  await expect(signIn.finishSignIn(answer)).rejects.toSatisfy(flowInvalid);
  // The same answer in a sign-in that somebody else began.
  const other = await signIn.beginSignIn({});
  await expect(signIn.finishSignIn({ ...answer, flow: other.flow })).rejects.toSatisfy(passkeyRefused);
});

test("of many who show a passkey's answer at once, one goes on", async () => {
  const installation = await createInstallation();
  const { passkey } = await register(installation);
  const { signIn } = anybody(installation);
  const { flow, options } = await signIn.beginSignIn({});
  const answer = { flow, passkey: JSON.stringify(passkey.signIn(JSON.parse(options))) };
  const answers = await Promise.allSettled(
    Array.from({ length: 5 }, () => anybody(installation).signIn.finishSignIn(answer)),
  );
  const reasons = answers.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  // Refused by the flow, before the passkey's counter would refuse it.
  expect(reasons.filter(flowInvalid)).toHaveLength(4);
});

test("a passkey of another origin, or of nobody, is refused", async () => {
  const installation = await createInstallation();
  const { signIn } = anybody(installation);
  const flow = await verifiedAddress(installation, email);
  const { options } = await signIn.beginRegistration({ flow, displayName: "Ada" });
  const elsewhere = createSoftwarePasskey("https://wellapi.example.evil.com");
  const answer = elsewhere.register({ ...JSON.parse(options), rp: { id: "wellapi.example" } });
  await expect(
    signIn.finishRegistration({ flow, displayName: "Ada", passkey: JSON.stringify(answer) }),
  ).rejects.toSatisfy(passkeyRefused);

  const { passkey } = await register(installation, "bob@example.com");
  const begun = await signIn.beginSignIn({});
  const proof = passkey.signIn(JSON.parse(begun.options)) as { response: { clientDataJSON: string } };
  const client = JSON.parse(Buffer.from(proof.response.clientDataJSON, "base64url").toString());
  const phished = JSON.stringify({ ...client, origin: "https://wellapi.example.evil.com" });
  const changed = {
    ...proof,
    response: { ...proof.response, clientDataJSON: Buffer.from(phished).toString("base64url") },
  };
  await expect(signIn.finishSignIn({ flow: begun.flow, passkey: JSON.stringify(changed) })).rejects.toSatisfy(
    passkeyRefused,
  );

  for (const nonsense of [
    "{}",
    "null",
    "[]",
    "no JSON",
    '{"id":1}',
    '{"id":"x","response":{"userHandle":"eA"}}',
  ]) {
    const next = await signIn.beginSignIn({});
    await expect(signIn.finishSignIn({ flow: next.flow, passkey: nonsense })).rejects.toSatisfy(
      passkeyRefused,
    );
  }
});

test("a copy of a passkey is refused, and its owner is told", async () => {
  const installation = await createInstallation();
  const { passkey } = await register(installation);
  const copy = passkey.clone();
  await signInBy(installation, passkey);
  await signInBy(installation, passkey);
  await expect(signInBy(installation, copy)).rejects.toSatisfy(passkeyRefused);
  await expect
    .poll(() => installation.mailbox.mails.at(-1))
    .toMatchObject({ to: email, text: expect.stringContaining("copy of one of your passkeys") });
  const reasons = (await installation.leaves()).map(({ access }) => access.reason);
  expect(reasons).toContain("PASSKEY_CLONED");
  // The owner goes on.
  await signInBy(installation, passkey);
});

test("a flow of one kind ends nothing of another", async () => {
  const installation = await createInstallation();
  const { passkey } = await register(installation);
  const { signIn } = anybody(installation);
  const { flow, code } = await sendCode(installation, email);
  const { options } = await signIn.beginSignIn({});
  const answer = JSON.stringify(passkey.signIn(JSON.parse(options)));
  await expect(signIn.finishSignIn({ flow, passkey: answer })).rejects.toSatisfy(flowInvalid);
  await expect(signIn.beginRegistration({ flow, displayName: "Eve" })).rejects.toSatisfy(flowInvalid);
  await expect(signIn.finishRegistration({ flow, displayName: "Eve" })).rejects.toSatisfy(flowInvalid);
  expect((await signIn.verifyCode({ flow, code })).outcome.case).toBe("signedIn");
});

test("two who register one address at once make one account", async () => {
  const installation = await createInstallation();
  const flows = [await verifiedAddress(installation, email), await verifiedAddress(installation, email)];
  const answers = await Promise.allSettled(
    flows.map((flow) => anybody(installation).signIn.finishRegistration({ flow, displayName: "Ada" })),
  );
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const refused = answers.find((answer) => answer.status === "rejected")!;
  expect(problem(Code.AlreadyExists, "EMAIL_IN_USE")((refused as PromiseRejectedResult).reason)).toBe(true);
});

test("nothing of a person, no code and no secret lies on the disk in clear", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const { flow, code } = await sendCode(installation, email);
  const secrets = [email, "Canary-Lovelace", signedIn.sessionSecret, flow, `"${code}"`];
  await installation.leaves();
  for (const { name, bytes } of await installation.files()) {
    for (const secret of secrets) expect(bytes.includes(secret), `${name} holds ${secret}`).toBe(false);
  }
});

test("sign-ins are in the patient's own log", async () => {
  const installation = await createInstallation();
  const { signedIn, passkey } = await register(installation);
  const { partition } = (await callerOf(installation, signedIn, "")).principal;
  const again = await signInBy(installation, passkey);
  const own = (await installation.leaves()).filter((leaf) => leaf.partition === partition);
  const last = own.at(-1)!.access;
  expect(last).toMatchObject({ credential: again.session!.id, actor: { id: signedIn.account } });
  expect(last.method).toBe("wellapi.identity.v1.SignInService/FinishSignIn");
});

test("an account by e-mail alone adds its first passkey within an hour, and never later by a code", async () => {
  const installation = await createInstallation();
  await registerByEmail(installation);
  installation.clock.time += 61 * MINUTE;
  const late = await accountOf(installation, await signInByEmail(installation));
  await expect(late.beginPasskey({})).rejects.toSatisfy(problem(Code.PermissionDenied, "ASSURANCE_REQUIRED"));

  const soon = await registerByEmail(installation, "bob@example.com");
  installation.clock.time += 20 * MINUTE;
  // Neither by another sign-in with a code.
  const stranger = await accountOf(installation, await signInByEmail(installation, "bob@example.com"));
  await expect(stranger.beginPasskey({})).rejects.toSatisfy(
    problem(Code.PermissionDenied, "ASSURANCE_REQUIRED"),
  );
  const account = await accountOf(installation, soon);
  const { flow, options } = await account.beginPasskey({});
  const passkey = createSoftwarePasskey(ORIGIN);
  const answer = JSON.stringify(passkey.register(JSON.parse(options)));
  const { signedIn } = await account.finishPasskey({ flow, passkey: answer });
  expect(signedIn!.session!.assurance).toBe(Assurance.FRESH);
  await signInBy(installation, passkey);
});
