import { createClient, type Transport } from "@connectrpc/connect";
import { ActingOption_Kind } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { createSoftwarePasskey } from "@wellapi/software-passkey";
import { openBrowser, type PersonsBrowser } from "./browser.ts";

/** A person with an account, signed in by a passkey. */
export interface Registered {
  /** Their own id as a patient. */
  readonly patient: string;
  readonly browser: PersonsBrowser;
}

/**
 * What the newest mail to the address says, once one says it. Where identity runs twice, each process keeps the mail that it did not
 * send: so it is asked again.
 */
export async function mailed(transport: Transport, email: string, pattern: RegExp): Promise<string> {
  const sandbox = createClient(SandboxService, transport);
  for (let turn = 0; turn < 200; turn++) {
    const { mail } = await sandbox.listMail({ email });
    const found = mail.map(({ text }) => pattern.exec(text)).find((one) => one !== null);
    if (found !== undefined) return found[1] ?? found[0];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("no such mail came within ten seconds");
}

/** Makes an account as a person does: an e-mail address, the code that is sent there, a passkey. */
export async function register(
  origin: string,
  person: { readonly name: string; readonly email: string; readonly timeZone: string },
): Promise<Registered> {
  const browser = openBrowser(origin);
  const anybody = browser.as();
  const signIn = createClient(SignInService, anybody);
  const { flow } = await signIn.sendCode({ email: person.email });
  const code = await mailed(anybody, person.email, /\b\d{6}\b/);
  const { outcome } = await signIn.verifyCode({ flow, code });
  if (outcome.case !== "verifiedAddress") throw new Error("the address has an account already");
  const registration = { flow: outcome.value.flow, displayName: person.name };
  const { options } = await signIn.beginRegistration(registration);
  const passkey = createSoftwarePasskey(origin).register(JSON.parse(options));
  const { signedIn } = await signIn.finishRegistration({
    ...registration,
    timeZone: person.timeZone,
    passkey: JSON.stringify(passkey),
  });
  browser.signedIn(signedIn!.sessionSecret);
  const account = createClient(AccountService, browser.as("account"));
  const { options: mayActAs } = await account.listActingOptions({});
  const own = mayActAs.find(({ kind }) => kind === ActingOption_Kind.PATIENT);
  return { patient: own!.actingAs, browser };
}
