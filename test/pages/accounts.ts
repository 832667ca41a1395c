/** Accounts that are made by RPC, with a passkey in software: for pages that need many people and not their registration. */
import { createClient } from "@connectrpc/connect";
import type { Connection } from "@wellapi/client";
import { openBrowser } from "@wellapi/demo/browser";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { createSoftwarePasskey } from "@wellapi/software-passkey";
import type { BrowserContext } from "playwright-core";
import { codeFor, invitationTo } from "./people.ts";

export interface Account {
  readonly name: string;
  readonly email: string;
  /** The account's own record; empty where it has none. */
  readonly patient: string;
  as(actingAs: string): Connection;
  /** Is signed in in this browser from now on. */
  enter(context: BrowserContext): Promise<void>;
  /** Signs in anew by the passkey, as on the page. */
  signIn(): Promise<void>;
  /** Confirms anew, for five minutes. Enter again afterwards: the session has another secret. */
  confirm(): Promise<void>;
  /** Takes the newest invitation that was mailed to this address. */
  accept(): Promise<void>;
}

export async function openAccount(
  origin: string,
  { name, email, record = true }: { name: string; email: string; record?: boolean },
): Promise<Account> {
  const passkey = createSoftwarePasskey(origin);
  const browser = openBrowser(origin);
  const signIn = createClient(SignInService, browser.as());
  const { flow } = await signIn.sendCode({ email });
  const { outcome } = await signIn.verifyCode({ flow, code: await codeFor(origin, email) });
  if (outcome.case !== "verifiedAddress") throw new Error(`${email} has an account already`);
  const registration = { flow: outcome.value.flow, displayName: name };
  const { options } = await signIn.beginRegistration(registration);
  const { signedIn } = await signIn.finishRegistration({
    ...registration,
    timeZone: record ? "Europe/Berlin" : "",
    withoutPatient: !record,
    passkey: JSON.stringify(passkey.register(JSON.parse(options))),
  });
  let secret = "";
  const keep = (sessionSecret = "") => {
    secret = sessionSecret;
    browser.signedIn(secret);
  };
  keep(signedIn?.sessionSecret);
  const account = createClient(AccountService, browser.as("account"));
  const { account: own } = await account.getAccount({});
  return {
    name,
    email,
    patient: own!.patient,
    as: (actingAs) => browser.as(actingAs),
    async enter(context) {
      const cookie = { name: "__Host-wellapi", value: secret, domain: "localhost", path: "/" };
      await context.addCookies([{ ...cookie, secure: true, httpOnly: true, sameSite: "Lax" }]);
    },
    async signIn() {
      const anew = createClient(SignInService, openBrowser(origin).as());
      const begun = await anew.beginSignIn({});
      const answer = JSON.stringify(passkey.signIn(JSON.parse(begun.options)));
      keep((await anew.finishSignIn({ flow: begun.flow, passkey: answer })).signedIn?.sessionSecret);
    },
    async confirm() {
      const begun = await account.beginStepUp({});
      const value = JSON.stringify(passkey.signIn(JSON.parse(begun.options)));
      const done = await account.finishStepUp({ flow: begun.flow, proof: { case: "passkey", value } });
      keep(done.signedIn?.sessionSecret);
    },
    async accept() {
      const code = await invitationTo(origin, email);
      if (code.startsWith("wellapi_dc_")) {
        await createClient(DelegationService, browser.as("account")).acceptDelegation({ code });
      } else {
        await createClient(MemberService, browser.as("account")).acceptInvitation({ code });
      }
    },
  };
}
