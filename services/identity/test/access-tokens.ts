import { createHash, randomUUID } from "node:crypto";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from "jose";
import { createInstallationKeyRepository } from "../src/installation-key-repository.ts";
import type { Installation } from "./installation.ts";

export const issuer = "https://wellapi.local";
export const call = {
  method: "POST",
  authority: "api.wellapi.local",
  path: "/wellapi.records.v1.RecordsService/QuerySeries",
};

type Claims = Readonly<Record<string, unknown>>;

/** Signs as the OAuth server does, by the installation's own key. Undefined claims are left out. */
export async function signerOf({ store, kms, clock }: Pick<Installation, "store" | "kms" | "clock">) {
  const [key] = await createInstallationKeyRepository(store, kms).keys("tokens");
  const privateKey = (await importJWK({ ...key!.privateJwk }, "ES256")) as CryptoKey;
  const seconds = () => Math.floor(clock.now() / 1_000);
  return {
    kid: key!.id,
    privateJwk: key!.privateJwk,
    sign(claims: Claims, header: Claims = {}, by: CryptoKey | Uint8Array = privateKey) {
      const all = {
        iss: issuer,
        aud: `${issuer}/api`,
        iat: seconds(),
        exp: seconds() + 300,
        jti: randomUUID(),
        ...claims,
      };
      const head = { alg: "ES256", typ: "at+jwt", kid: key!.id, ...header } as JWTHeaderParameters;
      return new SignJWT(JSON.parse(JSON.stringify(all))).setProtectedHeader(head).sign(by);
    },
  };
}

/** A client's own key, and the proofs that it makes. */
export async function createHolder() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jkt: await calculateJwkThumbprint(jwk),
    async prove(
      token: string,
      claims: Claims = {},
      header: { readonly jwk?: JWK; readonly typ?: string } = {},
    ) {
      const all = {
        htm: call.method,
        htu: `https://${call.authority}${call.path}`,
        ath: createHash("sha256").update(token).digest("base64url"),
        jti: randomUUID(),
        iat: Math.floor(Date.now() / 1_000),
        ...claims,
      };
      return new SignJWT(JSON.parse(JSON.stringify(all)))
        .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk, ...header })
        .sign(privateKey);
    },
  };
}

export function thumbprintOf(certificate: Uint8Array): string {
  return createHash("sha256").update(certificate).digest("base64url");
}
