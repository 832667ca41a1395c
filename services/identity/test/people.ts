import type { SignedIn } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { anonymous, type Caller, principalOf } from "@wellapi/rpc";
import { createSoftwarePasskey, type SoftwarePasskey } from "@wellapi/software-passkey";
import { decodeJwt } from "jose";
import type { Installation } from "./installation.ts";

/** Of the installation's pages, as `installation.ts` sets it. */
export const ORIGIN = "https://wellapi.example";

/** Somebody at a browser, who has not signed in. */
export function anybody(installation: Installation) {
  return installation.as({ ...anonymous, workload: "gateway" });
}

/** The code in the newest mail to the address. */
export function codeFor({ mailbox }: Installation, email: string): string {
  const { text } = mailbox.mails.findLast(({ to, text: words }) => to === email && /\b\d{6}\b/.test(words))!;
  return /\b\d{6}\b/.exec(text)![0];
}

/** Another code than this one. */
export function otherThan(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, "0");
}

export async function sendCode(installation: Installation, email: string) {
  const { flow } = await anybody(installation).signIn.sendCode({ email });
  return { flow, code: codeFor(installation, email) };
}

/** A flow whose address is verified, and of which there is no account. */
export async function verifiedAddress(installation: Installation, email: string): Promise<string> {
  const { outcome } = await anybody(installation).signIn.verifyCode(await sendCode(installation, email));
  if (outcome.case !== "verifiedAddress") throw new TypeError("the address has an account");
  return outcome.value.flow;
}

export interface Registered {
  readonly signedIn: SignedIn;
  readonly passkey: SoftwarePasskey;
}

/** Registers with a passkey. */
export async function register(
  installation: Installation,
  email = "ada@example.com",
  more: { readonly withoutPatient?: boolean; readonly timeZone?: string } = {},
): Promise<Registered> {
  const { signIn } = anybody(installation);
  const flow = await verifiedAddress(installation, email);
  const displayName = "Ada Canary-Lovelace";
  const { options } = await signIn.beginRegistration({ flow, displayName });
  const passkey = createSoftwarePasskey(ORIGIN);
  const answer = JSON.stringify(passkey.register(JSON.parse(options)));
  const { signedIn } = await signIn.finishRegistration({ flow, displayName, passkey: answer, ...more });
  return { signedIn: signedIn!, passkey };
}

/** Registers by e-mail alone. */
export async function registerByEmail(
  installation: Installation,
  email = "ada@example.com",
): Promise<SignedIn> {
  const flow = await verifiedAddress(installation, email);
  const { signedIn } = await anybody(installation).signIn.finishRegistration({ flow, displayName: "Ada" });
  return signedIn!;
}

export async function signInByEmail(
  installation: Installation,
  email = "ada@example.com",
): Promise<SignedIn> {
  const { outcome } = await anybody(installation).signIn.verifyCode(await sendCode(installation, email));
  if (outcome.case !== "signedIn") throw new TypeError("the address has no account");
  return outcome.value;
}

export async function signInBy(installation: Installation, passkey: SoftwarePasskey): Promise<SignedIn> {
  const { signIn } = anybody(installation);
  const { flow, options } = await signIn.beginSignIn({});
  const answer = JSON.stringify(passkey.signIn(JSON.parse(options)));
  return (await signIn.finishSignIn({ flow, passkey: answer })).signedIn!;
}

/** Whom the door takes the session for. */
export async function callerOf(
  installation: Installation,
  { sessionSecret: secret }: Pick<SignedIn, "sessionSecret">,
  actingAs = "account",
  recheck = false,
): Promise<Caller> {
  const { token } = await installation.exchange("gateway")({
    credential: { case: "session", value: { secret, actingAs } },
    recheck,
  });
  return { principal: principalOf(decodeJwt(token) as never), workload: "gateway", token };
}

/** The RPCs of the person's own account. */
export async function accountOf(installation: Installation, signedIn: SignedIn) {
  return installation.as(await callerOf(installation, signedIn)).account;
}

/** Proves again who it is. */
export async function stepUp(
  installation: Installation,
  signedIn: SignedIn,
  passkey: SoftwarePasskey,
): Promise<SignedIn> {
  const account = await accountOf(installation, signedIn);
  const { flow, options } = await account.beginStepUp({});
  const value = JSON.stringify(passkey.signIn(JSON.parse(options)));
  return (await account.finishStepUp({ flow, proof: { case: "passkey", value } })).signedIn!;
}
