import { ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { SignedIn } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { createSoftwarePasskey } from "@wellapi/software-passkey";
import { beforeAll, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

const server = sharedExchange();
let signedIn: SignedIn;
let passkey: ReturnType<typeof createSoftwarePasskey>;

/** A browser on this machine. */
function at(headers: Readonly<Record<string, string>> = {}) {
  const shown: Interceptor = (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
  return createConnectTransport({ baseUrl: server.http, httpVersion: "1.1", interceptors: [shown] });
}

/** Our own page, with the session's cookie. */
function ownPage(
  { sessionSecret }: SignedIn,
  actingAs?: string,
  more: Readonly<Record<string, string>> = {},
) {
  return at({
    cookie: `other=1; __Host-wellapi=${sessionSecret}`,
    "sec-fetch-site": "same-origin",
    ...(actingAs && { "wellapi-acting-as": actingAs }),
    ...more,
  });
}

const reasonOf = (error: unknown): string => problemOf(ConnectError.from(error)).reason;

async function signInAgain(): Promise<SignedIn> {
  const signIn = createClient(SignInService, at());
  const { flow, options } = await signIn.beginSignIn({});
  const answer = JSON.stringify(passkey.signIn(JSON.parse(options)));
  return (await signIn.finishSignIn({ flow, passkey: answer })).signedIn!;
}

async function ownPatient(transport: ReturnType<typeof at>): Promise<string> {
  const { account } = await createClient(AccountService, ownPage(signedIn, "account")).getAccount({});
  const { patient } = await createClient(PatientService, transport).getPatient({ patient: account!.patient });
  return patient!.id;
}

beforeAll(async () => {
  const origin = new URL(server.http);
  if (origin.hostname === "127.0.0.1") origin.hostname = "localhost";
  passkey = createSoftwarePasskey(origin.origin);
  const signIn = createClient(SignInService, at());
  const email = "session-at-doors@example.com";
  const { flow } = await signIn.sendCode({ email });
  const { mail } = await createClient(SandboxService, at()).listMail({ email });
  const [code] = /\b\d{6}\b/.exec(mail[0]!.text)!;
  const { outcome } = await signIn.verifyCode({ flow, code: code! });
  if (outcome.case !== "verifiedAddress") throw new TypeError("the address has an account");
  const verified = outcome.value.flow;
  const { options } = await signIn.beginRegistration({ flow: verified, displayName: "Ada" });
  const answer = JSON.stringify(passkey.register(JSON.parse(options)));
  const registered = await signIn.finishRegistration({ flow: verified, displayName: "Ada", passkey: answer });
  signedIn = registered.signedIn!;
});

test("a person who registered by themselves calls as their own patient, from our own page alone", async () => {
  expect(await ownPatient(ownPage(signedIn))).toMatch(/^pat_/);
  const cookie = `__Host-wellapi=${signedIn.sessionSecret}`;
  for (const site of [undefined, "cross-site", "same-site", "none"]) {
    const page = at({ cookie, ...(site && { "sec-fetch-site": site }) });
    await expect(ownPatient(page).catch(reasonOf)).resolves.toBe("CREDENTIAL_REQUIRED");
  }
});

test("whom a session acts as is the request's choice, among what it may", async () => {
  const account = createClient(AccountService, ownPage(signedIn, "account"));
  const { options } = await account.listActingOptions({});
  expect(await ownPatient(ownPage(signedIn, options[1]!.actingAs))).toBe(options[1]!.actingAs);
  const asStaff = ownPage(signedIn, "staff");
  await expect(ownPatient(asStaff).catch(reasonOf)).resolves.toBe("CALLER_NOT_PERMITTED");
  await expect(ownPatient(ownPage(signedIn, "account")).catch(reasonOf)).resolves.toBe(
    "CALLER_NOT_PERMITTED",
  );
});

test("a session beside another credential, and two sessions, are refused", async () => {
  const both = ownPage(signedIn, undefined, { authorization: `Bearer ${server.operatorKey}` });
  await expect(ownPatient(both).catch(reasonOf)).resolves.toBe("CREDENTIAL_INVALID");
  const other = await signInAgain();
  const two = at({
    cookie: `__Host-wellapi=${signedIn.sessionSecret}; __Host-wellapi=${other.sessionSecret}`,
    "sec-fetch-site": "same-origin",
  });
  await expect(ownPatient(two).catch(reasonOf)).resolves.toBe("CREDENTIAL_REQUIRED");
});

test("a session that is ended elsewhere ends its open streams within two seconds", async () => {
  const elsewhere = await signInAgain();
  const page = ownPage(elsewhere);
  const patient = await ownPatient(page);
  const stream = createClient(RecordsService, page).watchSeries({
    patient,
    purpose: Purpose.PATIENT_REQUEST,
    codes: [{ code: "8867-4" }],
  });
  const messages = stream[Symbol.asyncIterator]();
  await messages.next();
  const ended = messages.next().then(
    () => "a message",
    (error: unknown) => reasonOf(error),
  );
  const from = performance.now();
  const account = createClient(AccountService, ownPage(signedIn, "account"));
  expect((await account.endSessions({ sessions: [elsewhere.session!.id] })).ended).toBe(1);
  expect(await ended).toBe("CREDENTIAL_INVALID");
  process.stderr.write(`an ended session's stream ended after ${Math.round(performance.now() - from)} ms\n`);
  await expect(ownPatient(page).catch(reasonOf)).resolves.toBe("CREDENTIAL_INVALID");
}, 60_000);
