import { type Assurance, assurances } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { credentialInvalid } from "../errors.ts";
import type { SigningKeys } from "../tokens/signing-keys.ts";

/** An access token of the OAuth server (RFC 9068), verified but for its standing and its proof. */
export interface AccessToken {
  /** `jti` */
  readonly id: string;
  /** `app_...` */
  readonly client: string;
  /** Absent: the client acts for itself (client credentials). */
  readonly grant?: string;
  readonly scopes: readonly string[];
  /** How the person who granted it had signed in. */
  readonly assurance?: Assurance;
  /** The one key, or the one certificate, in whose hands it counts. */
  readonly bound?: { readonly key: string } | { readonly certificate: string };
  /** UTC milliseconds, with the tolerance for clocks. */
  readonly expireTime: number;
}

/** `typ` of the header (RFC 9068, section 2.1). An ID token has another one. */
const TYPE = "at+jwt";
/** How much the clocks of the replicas may differ, seconds. */
const SKEW = 60;
/** Access tokens live five minutes; one that says much more is none of ours. Seconds. */
const LONGEST = 600;
/** By none of these does the sender choose the key, or make others fetch one. */
const foreignKeys = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"];

/** Whether a JWT says that it is an access token. Whether it is one says `verify`. */
export function looksLikeAccessToken(token: string): boolean {
  try {
    const { typ } = decodeProtectedHeader(token);
    return typ?.toLowerCase().replace(/^application\//, "") === TYPE;
  } catch {
    return false;
  }
}

export interface AccessTokenVerifier {
  /** `workload`: where the call arrived. Throws `credential_invalid` for what is no access token of ours for there. */
  verify(token: string, workload: string): Promise<VerifiedToken>;
}

/** A token that we have signed: one that counts, or one whose time is over, which says only whose it was. */
export type VerifiedToken = { readonly valid: AccessToken } | { readonly expired: AccessToken };

/** A token is for one resource (RFC 8707): one for the FHIR surface is none for the doors of RPCs, nor the other way round. */
function audienceAt(workload: string, issuer: string): string {
  return `${issuer}/${workload === "fhir" ? "fhir" : "api"}`;
}

export function createAccessTokenVerifier(options: {
  /** Known once the doors are open. */
  readonly issuer: () => string;
  readonly keys: Pick<SigningKeys, "verificationKey">;
  readonly clock: Clock;
}): AccessTokenVerifier {
  const { issuer, keys, clock } = options;

  async function payloadOf(token: string, audience: string): Promise<JWTPayload> {
    const header = decodeProtectedHeader(token);
    if (foreignKeys.some((name) => name in header)) throw new errors.JWSInvalid("names a key of its own");
    const keyOf = async ({ kid }: { readonly kid?: string }) => {
      const key = await keys.verificationKey(kid);
      if (key === undefined) throw new errors.JWKSNoMatchingKey();
      return key;
    };
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: ["ES256"],
      typ: TYPE,
      issuer: issuer(),
      audience,
      clockTolerance: SKEW,
      currentDate: new Date(clock.now()),
      requiredClaims: ["exp", "iat", "jti", "sub", "client_id", "scope"],
    });
    return payload;
  }

  /** jose looks at the time last: of what is over, everything else is as it should be. */
  async function signed(token: string, audience: string) {
    try {
      return { payload: await payloadOf(token, audience), expired: false };
    } catch (cause) {
      if (cause instanceof errors.JWTExpired && cause.claim === "exp")
        return { payload: cause.payload, expired: true };
      if (!(cause instanceof errors.JOSEError || cause instanceof TypeError)) throw cause;
      throw credentialInvalid("it is no access token of this installation for its doors", { cause });
    }
  }

  return {
    async verify(token, workload) {
      const { payload, expired } = await signed(token, audienceAt(workload, issuer()));
      const found = shaped(payload, Math.floor(clock.now() / 1_000));
      if (found === undefined) throw credentialInvalid("the access token is not one for these doors");
      return expired ? { expired: found } : { valid: found };
    },
  };
}

/** Undefined where the claims are not those that our OAuth server writes. */
function shaped(payload: JWTPayload, now: number): AccessToken | undefined {
  const { aud, exp, iat, jti, client_id, scope, grant, acr, cnf } = payload;
  const one = typeof aud === "string" && typeof jti === "string" && typeof client_id === "string";
  if (!one || typeof scope !== "string" || exp === undefined || iat === undefined) return undefined;
  if (iat > now + SKEW || exp - iat > LONGEST) return undefined;
  if (grant !== undefined && typeof grant !== "string") return undefined;
  const assurance = assurances.find((known) => known === acr);
  if (acr !== undefined && assurance === undefined) return undefined;
  const bound = cnf === undefined ? undefined : boundBy(cnf);
  if (cnf !== undefined && bound === undefined) return undefined;
  return {
    id: jti,
    client: client_id,
    ...(grant === undefined ? {} : { grant }),
    scopes: scope.split(" ").filter((part) => part !== ""),
    ...(assurance === undefined ? {} : { assurance }),
    ...(bound === undefined ? {} : { bound }),
    expireTime: (exp + SKEW) * 1_000,
  };
}

/** Undefined for a way of binding that this build does not know: the token would pass unbound. */
function boundBy(cnf: unknown): AccessToken["bound"] {
  if (typeof cnf !== "object" || cnf === null) return undefined;
  const entries = Object.entries(cnf);
  const [name, value] = entries[0] ?? [];
  if (entries.length !== 1 || typeof value !== "string") return undefined;
  if (name === "jkt") return { key: value };
  return name === "x5t#S256" ? { certificate: value } : undefined;
}
