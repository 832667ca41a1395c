import type { Clock, Ids } from "@wellapi/runtime";
import { apiKeyFingerprint, apiKeyHint, newApiKey } from "./api-key.ts";
import { lifetimes, standingOf } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";

/**
 * Makes a new operator's key where no operator's key is in force: at the first start, and after the last one was
 * revoked or has expired. Otherwise nobody could run the installation. Returns undefined where a key is in force.
 */
export async function ensureOperator(
  credentials: CredentialRepository,
  clock: Clock,
  ids: Ids,
): Promise<string | undefined> {
  const now = clock.now();
  const keys = await credentials.ofOperators();
  if (keys.some((key) => standingOf(key, now) === "in force")) return undefined;
  const operator = ids.next("opr");
  const apiKey = newApiKey();
  await credentials.insertOperator(operator, {
    id: ids.next("crd"),
    kind: "api_key",
    holder: { kind: "operator", operator },
    fingerprint: apiKeyFingerprint(apiKey),
    createTime: now,
    expireTime: now + lifetimes.apiKey.max,
    hint: apiKeyHint(apiKey),
  });
  return apiKey;
}
