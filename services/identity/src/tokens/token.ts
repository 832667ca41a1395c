import { agedPrincipal, type Principal, principalOf, type TokenClaims } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { CryptoKey, JWTPayload } from "jose";
import { errors, jwtVerify, SignJWT } from "jose";
import type { AccessTokenOrigin } from "../access-tokens/access-token-exchange.ts";
import { credentialInvalid } from "../errors.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** Audience of the tokens that services show each other. */
const INTERNAL_AUDIENCE = "wellapi";
/** Audience of the tokens that patients show at the door. */
const DOOR_AUDIENCE = "wellapi-door";
/** Milliseconds. */
const INTERNAL_LIFETIME = 5 * 60_000;

export interface SignedToken {
  readonly token: string;
  /** UTC milliseconds, a whole second. */
  readonly expireTime: number;
}

/** What an internal token says. */
export interface InternalClaims {
  readonly principal: Principal;
  /** When the exchanged credential ends, UTC milliseconds: tokens made from this one do not outlive it. */
  readonly credentialEnd: number;
  /** The access token that it was made from, with which it ends. */
  readonly accessToken?: AccessTokenOrigin;
}

/** What a patient's bearer token says. */
export interface PatientClaims {
  /** The token's own id. */
  readonly tokenId: string;
  /** By the installation's pairwise id. */
  readonly patient: string;
  /** The operator who issued it. */
  readonly operator: string;
}

/** ES256 JWTs (RFC 7519) of this installation. Verification throws `credential_invalid`. */
export interface TokenIssuer {
  /** For one workload; at most five minutes. */
  signInternal(claims: InternalClaims, workload: string): Promise<SignedToken>;
  verifyInternal(token: string): Promise<InternalClaims>;
  signPatient(claims: PatientClaims, expireTime: number): Promise<SignedToken>;
  verifyPatient(token: string): Promise<PatientClaims & { readonly expireTime: number }>;
}

export function createTokenIssuer(options: {
  readonly trustDomain: string;
  readonly keys: SigningKeys;
  readonly clock: Clock;
}): TokenIssuer {
  const { trustDomain, keys, clock } = options;
  const issuer = `https://${trustDomain}`;

  async function sign(claims: JWTPayload, audience: string, expireTime: number): Promise<SignedToken> {
    const expires = Math.floor(expireTime / 1000);
    const { kid, privateKey } = keys.current();
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: "ES256", typ: "JWT", kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(Math.floor(clock.now() / 1000))
      .setExpirationTime(expires)
      .sign(privateKey);
    return { token, expireTime: expires * 1000 };
  }

  async function verify(token: string, audience: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => verificationKey(keys, kid), {
        algorithms: ["ES256"],
        issuer,
        audience,
        currentDate: new Date(clock.now()),
        requiredClaims: ["exp", "iat", "jti", "sub"],
      });
      return payload;
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw credentialInvalid("the token has expired", { cause });
      throw credentialInvalid("the token is not one of this installation for this use", { cause });
    }
  }

  return {
    signInternal({ principal, credentialEnd, accessToken }, workload) {
      const { kind, id, organization, partition, credential, actor, roles, scopes, assurance, policies } =
        principal;
      const { freshUntil } = principal;
      const claims = {
        sub: id,
        jti: crypto.randomUUID(),
        kind,
        org: organization,
        part: partition,
        cred: credential,
        act: actor,
        roles,
        scopes,
        only: principal.onlyPatient,
        asr: assurance,
        // Down to the second: rather too short than too long.
        fru: freshUntil && Math.floor(freshUntil / 1000),
        hid: principal.hides,
        oat: accessToken,
        pol: policies,
        wl: workload,
        cexp: Math.floor(credentialEnd / 1000),
      };
      return sign(claims, INTERNAL_AUDIENCE, Math.min(clock.now() + INTERNAL_LIFETIME, credentialEnd));
    },
    async verifyInternal(token) {
      const claims = await verify(token, INTERNAL_AUDIENCE);
      // This installation signed it, so it has the shape that we sign.
      const { cexp, oat, ...signed } = claims as unknown as TokenClaims & {
        readonly cexp: number;
        readonly oat?: AccessTokenOrigin;
      };
      const origin = oat === undefined ? {} : { accessToken: oat };
      const principal = agedPrincipal(principalOf(signed), clock.now());
      return { principal, credentialEnd: cexp * 1000, ...origin };
    },
    signPatient({ tokenId, patient, operator }, expireTime) {
      const claims = { sub: patient, jti: tokenId, act: { kind: "operator", id: operator } };
      return sign(claims, DOOR_AUDIENCE, expireTime);
    },
    async verifyPatient(token) {
      const { sub, jti, act, exp } = await verify(token, DOOR_AUDIENCE);
      const operator = (act as { id: string }).id;
      return { tokenId: jti!, patient: sub!, operator, expireTime: exp! * 1000 };
    },
  };
}

async function verificationKey(keys: SigningKeys, kid: string | undefined): Promise<CryptoKey> {
  const key = await keys.verificationKey(kid);
  if (!key) throw new errors.JWKSNoMatchingKey();
  return key;
}
