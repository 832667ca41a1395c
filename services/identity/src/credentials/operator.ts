import type { Clock, Ids } from "@wellapi/runtime";
import type { Change, Store } from "@wellapi/store";
import { lastOperator } from "../errors.ts";
import { digestOf } from "../secret.ts";
import { apiKeyHint, type KeyUse, newApiKey } from "./api-key.ts";
import type { KeyTerms } from "./api-key-limits.ts";
import { type Credential, lifetimes } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";

/** An operator's key as it is made: the only moment at which its text is known. */
export interface NewOperatorKey {
  readonly operator: string;
  readonly apiKey: string;
  readonly credential: Credential;
}

/** What a key is made with. */
export interface KeyMaking {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly keyUse: KeyUse;
}

/** A key for a new operator: each key is one of its own in the log. */
export function newOperatorKey(
  { clock, ids, keyUse }: KeyMaking,
  terms: KeyTerms,
  lifetimeMs: number = lifetimes.operatorKey.default,
): NewOperatorKey {
  const operator = ids.next("opr");
  const apiKey = newApiKey(keyUse);
  const now = clock.now();
  return {
    operator,
    apiKey,
    credential: {
      id: ids.next("crd"),
      kind: "api_key",
      holder: { kind: "operator", operator },
      fingerprint: digestOf(apiKey),
      createTime: now,
      expireTime: now + lifetimeMs,
      hint: apiKeyHint(apiKey),
      ...terms,
    },
  };
}

/**
 * Makes a new operator's key where no operator's key is in force and nobody of the staff is an operator: at the first start,
 * and after the last key has expired. Otherwise nobody could run the installation. A sandbox's lasts as long as another key.
 * Returns undefined where somebody can.
 */
export async function ensureOperator(
  store: Store,
  credentials: CredentialRepository,
  making: KeyMaking,
): Promise<string | undefined> {
  if ((await credentials.operatorInForce(making.clock.now())) !== undefined) return undefined;
  const lifetimeMs = making.keyUse === "live" ? lifetimes.bootstrapKey : lifetimes.operatorKey.default;
  const { operator, credential, apiKey } = newOperatorKey(
    making,
    { displayName: "made at a start" },
    lifetimeMs,
  );
  await credentials.insertOperator(operator, credential, (change) => store.commit(change), []);
  return apiKey;
}

/**
 * What must hold where an operator's key is revoked: another one is in force, and stays so in the same commit. Throws
 * `last_operator`. Nothing for a key of an application, or for one that has expired.
 */
export async function guardOperators(
  credentials: CredentialRepository,
  revoked: Credential,
  now: number,
): Promise<readonly Change[]> {
  if (revoked.holder.kind !== "operator" || revoked.expireTime <= now) return [];
  const other = await credentials.operatorInForce(now, revoked.id);
  if (other === undefined) throw lastOperator();
  return [other];
}
