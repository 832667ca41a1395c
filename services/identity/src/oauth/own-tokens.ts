import type { Clock } from "@wellapi/runtime";
import { type CryptoKey, compactVerify, errors, type JWTPayload, jwtVerify } from "jose";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import type { Endpoints } from "./surface-endpoints.ts";

/** Seconds: how far clocks may differ. */
const skew = 60;

/** Reads tokens that this server has made, for their holders. Undefined for everything else. */
export interface OwnTokens {
  /** An access token that has not ended by itself. */
  access(token: string): Promise<JWTPayload | undefined>;
  /** An ID token, also one that has expired: it says who has signed in, and is shown to sign out. */
  identity(token: string): Promise<JWTPayload | undefined>;
}

export function createOwnTokens(deps: {
  readonly endpoints: Endpoints;
  readonly keys: Pick<SigningKeys, "verificationKey">;
  readonly clock: Clock;
}): OwnTokens {
  const { endpoints, keys, clock } = deps;
  const keyOf = async ({ kid }: { readonly kid?: string }): Promise<CryptoKey> => {
    const key = await keys.verificationKey(kid);
    if (key === undefined) throw new errors.JWKSNoMatchingKey();
    return key;
  };
  const algorithms = ["ES256"];
  return {
    async access(token) {
      const options = { algorithms, issuer: endpoints.issuer, typ: "at+jwt", clockTolerance: skew };
      const verified = await jwtVerify(token, keyOf, {
        ...options,
        currentDate: new Date(clock.now()),
      }).catch(notOurs);
      return verified?.payload;
    },
    async identity(token) {
      const verified = await compactVerify(token, keyOf, { algorithms }).catch(notOurs);
      if (verified === undefined || verified.protectedHeader.typ === "at+jwt") return undefined;
      const payload = JSON.parse(Buffer.from(verified.payload).toString("utf8")) as JWTPayload;
      return payload.iss === endpoints.issuer ? payload : undefined;
    },
  };
}

function notOurs(error: unknown): undefined {
  if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
  throw error;
}
