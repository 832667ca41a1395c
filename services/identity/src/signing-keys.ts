import type { Clock } from "@wellapi/runtime";
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from "jose";
import { DAY } from "./credential.ts";
import type {
  EcPrivateJwk,
  InstallationKey,
  InstallationKeyRepository,
} from "./installation-key-repository.ts";

/** The keys of tokens: one signs, and the one before it verifies what it has signed. */
export interface SigningKeys {
  readonly current: { readonly kid: string; readonly privateKey: CryptoKey };
  /** The public key, or undefined where this installation has none of that id. */
  verificationKey(kid: string | undefined): CryptoKey | undefined;
  /** JSON Web Key Set (RFC 7517), current first. */
  readonly jwks: { readonly keys: readonly PublicJwk[] };
}

export interface PublicJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly alg: "ES256";
  readonly use: "sig";
}

/** No token lives as long. */
const MAX_AGE = 30 * DAY;

/** Makes the first key, and a new one where the newest is older than 30 days; only two are kept. */
export async function openSigningKeys(
  repository: InstallationKeyRepository,
  clock: Clock,
): Promise<SigningKeys> {
  let keys = await repository.keys("tokens");
  const newest = keys[0];
  if (!newest || clock.now() - newest.createTime > MAX_AGE) {
    const key = await newSigningKey(clock.now());
    await repository.insert("tokens", key);
    keys = [key, ...keys];
  }
  const [current, previous, ...outdated] = keys;
  for (const { id } of outdated) await repository.delete("tokens", id);

  const kept = previous ? [current!, previous] : [current!];
  const jwks = kept.map(publicJwk);
  const verifying = new Map<string, CryptoKey>();
  for (const jwk of jwks) verifying.set(jwk.kid, (await importJWK(jwk, "ES256")) as CryptoKey);
  const privateKey = (await importJWK({ ...current!.privateJwk }, "ES256")) as CryptoKey;
  return {
    current: { kid: current!.id, privateKey },
    verificationKey: (kid) => (kid === undefined ? undefined : verifying.get(kid)),
    jwks: { keys: jwks },
  };
}

async function newSigningKey(now: number): Promise<InstallationKey> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const privateJwk = (await exportJWK(privateKey)) as EcPrivateJwk;
  return { id: await calculateJwkThumbprint(privateJwk), createTime: now, privateJwk, certificate: "" };
}

function publicJwk({ id, privateJwk }: InstallationKey): PublicJwk {
  const { kty, crv, x, y } = privateJwk;
  return { kty, crv, x, y, kid: id, alg: "ES256", use: "sig" };
}
