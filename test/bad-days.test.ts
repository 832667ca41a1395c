/** Bad days of people who sign in, at the doors of a whole exchange. docs/security.md lists them all, with the tests that have the others. */
import { ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { registerPerson, type SignedInPerson } from "@wellapi/demo/people";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorld, type World } from "./oauth/world.ts";

let world: World;
let ada: SignedInPerson;
beforeAll(async () => {
  world = await openWorld({ WELLAPI_TRUSTED_PROXIES: "1" });
  ada = await registerPerson(world.server, "Ada", "ada@example.com");
});
afterAll(() => world?.close(), 60_000);

const reasonOf = (error: unknown): string => problemOf(ConnectError.from(error)).reason;

/** Somebody at an address of their own, behind the proxy that the gateway believes. */
function from(address: string) {
  const forwarded: Interceptor = (next) => (request) => {
    request.header.set("x-forwarded-for", address);
    return next(request);
  };
  const baseUrl = world.server.http;
  return createConnectTransport({ baseUrl, httpVersion: "1.1", interceptors: [forwarded] });
}

async function mailTo(email: string) {
  return (await createClient(SandboxService, from("192.0.2.1")).listMail({ email })).mail;
}

test("a code that thirty addresses guess at once has five tries, and then the right one is refused, too", async () => {
  const { flow } = await createClient(SignInService, from("192.0.2.7")).sendCode({
    email: "ada@example.com",
  });
  const [mail] = await mailTo("ada@example.com");
  const [right] = /\b\d{6}\b/.exec(mail!.text)!;
  const wrong = String((Number(right) + 1) % 1_000_000).padStart(6, "0");
  const guesses = await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      createClient(SignInService, from(`198.51.100.${i}`))
        .verifyCode({ flow, code: wrong })
        .then(() => "signed in", reasonOf),
    ),
  );
  expect(guesses.filter((one) => one === "CODE_WRONG")).toHaveLength(5);
  expect(guesses.filter((one) => one === "FLOW_INVALID")).toHaveLength(25);
  const late = createClient(SignInService, from("192.0.2.7")).verifyCode({ flow, code: right });
  await expect(late.catch(reasonOf)).resolves.toBe("FLOW_INVALID");
}, 60_000);

test("who acts for a patient loses the stream that is open when the patient takes that back", async () => {
  const grace = await registerPerson(world.server, "Grace", "grace@example.com");
  const delegations = createClient(DelegationService, ada.transport);
  const { delegation } = await delegations.inviteCarer({
    patient: ada.id,
    email: "grace@example.com",
    displayName: "Grace",
    requestId: crypto.randomUUID(),
  });
  const invited = (await mailTo("grace@example.com")).map(({ text }) => /#(\S+)/.exec(text)?.[1]);
  const code = invited.find((one) => one !== undefined)!;
  await createClient(DelegationService, grace.browser.as("account")).acceptDelegation({ code });
  const { options } = await createClient(AccountService, grace.browser.as("account")).listActingOptions({});
  const forAda = options.find(({ actingAs }) => actingAs === ada.id);
  expect(forAda).toBeDefined();

  const acting = grace.browser.as(ada.id);
  const stream = createClient(RecordsService, acting).watchSeries({
    patient: ada.id,
    purpose: Purpose.PATIENT_REQUEST,
    codes: [{ code: "8867-4" }],
  });
  const messages = stream[Symbol.asyncIterator]();
  await messages.next();
  const ended = messages.next().then(() => "a message", reasonOf);
  await delegations.endDelegation({ delegation: delegation!.id });
  expect(await ended).toMatch(/^(CALLER_NOT_PERMITTED|CREDENTIAL_INVALID)$/);
  const again = createClient(RecordsService, acting).listSeries({
    patient: ada.id,
    purpose: Purpose.PATIENT_REQUEST,
  });
  await expect(again.catch(reasonOf)).resolves.toBe("CALLER_NOT_PERMITTED");
}, 60_000);
