import type { Account, Passkey } from "../accounts/account.ts";
import type { AccountCall } from "../accounts/account-accesses.ts";
import { passkeyRefused } from "../accounts/account-errors.ts";
import type { Passkeys } from "./passkeys.ts";
import type { Refusals } from "./refusals.ts";

/** What the use of a passkey makes of its account; throws `passkey_refused` where it was used or removed meanwhile. */
export type UsePasskey = (account: Account) => Account;

/**
 * Verifies the answer of one of the account's passkeys. A refusal leaves an entry, and a copy of a passkey is told to its
 * owner. Throws `passkey_refused`.
 */
export async function verifyUse(
  deps: { readonly passkeys: Passkeys; readonly refusals: Refusals; readonly now: number },
  account: Account,
  answer: { readonly json: string; readonly challenge: string },
  call: AccountCall,
): Promise<UsePasskey> {
  const { passkeys, refusals, now } = deps;
  try {
    const { credentialId } = passkeys.claimOf(answer.json);
    const passkey = account.passkeys.find((one) => one.credentialId === credentialId);
    if (passkey === undefined) throw passkeyRefused();
    const { counter, cloned } = await passkeys.verifySignIn(answer.json, answer.challenge, passkey);
    if (cloned) {
      await refusals.refused(account, call, "PASSKEY_CLONED", "passkey_cloned");
      throw passkeyRefused("cloned");
    }
    return (current) => used(current, passkey, counter, now);
  } catch (error) {
    const refused = error instanceof Error && "code" in error && error.code === "passkey_refused";
    if (refused && error.cause !== "cloned") await refusals.refused(account, call, "PASSKEY_REFUSED");
    throw error;
  }
}

function used(account: Account, { id }: Passkey, counter: number, now: number): Account {
  const known = account.passkeys.find((one) => one.id === id);
  if (known === undefined || (counter > 0 && counter <= known.counter)) throw passkeyRefused();
  const after = { ...known, counter, lastUseTime: now };
  return { ...account, passkeys: account.passkeys.map((one) => (one.id === id ? after : one)) };
}
