import { Code } from "@connectrpc/connect";
import type { Clock } from "@wellapi/runtime";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import type { Problem } from "../problem.ts";
import { problemError } from "../status.ts";
import { createCache, fingerprint } from "./cache.ts";
import {
  type Actor,
  type Assurance,
  actorKinds,
  assurances,
  type Caller,
  type Principal,
  type Role,
  roles,
} from "./caller.ts";

export const tokenAudience = "wellapi";

/**
 * The internal token: an ES256 JWT (RFC 7519) of five minutes, minted by identity, bound to the workload that may
 * show it.
 */
export interface TokenClaims {
  readonly iss: string;
  readonly aud: typeof tokenAudience;
  /** The principal's id. */
  readonly sub: string;
  /** Seconds since 1970. */
  readonly exp: number;
  readonly iat: number;
  readonly jti: string;
  readonly kind: Exclude<Principal["kind"], "anonymous">;
  /** An application's or a member's organization. */
  readonly org?: string;
  /** A patient's partition. */
  readonly part?: string;
  /** The credential that was exchanged. */
  readonly cred?: string;
  /** The actor, where it is not the subject (RFC 8693). */
  readonly act?: Actor;
  readonly roles?: readonly Role[];
  readonly scopes?: readonly string[];
  /** The partition of the one patient whom the token is for. */
  readonly only?: string;
  /** How the person signed in. */
  readonly asr?: Assurance;
  /** When `fresh` ends, seconds since 1970. */
  readonly fru?: number;
  /** Categories that are not for the actor. */
  readonly hid?: readonly string[];
  /** The version of its organization's policies. */
  readonly pol?: number;
  /** The calling workload. */
  readonly wl: string;
}

export function principalOf(claims: TokenClaims): Principal {
  return {
    kind: claims.kind,
    id: claims.sub,
    ...(claims.org === undefined ? {} : { organization: claims.org }),
    ...(claims.part === undefined ? {} : { partition: claims.part }),
    ...(claims.cred === undefined ? {} : { credential: claims.cred }),
    ...(claims.act === undefined ? {} : { actor: claims.act }),
    ...(claims.roles === undefined ? {} : { roles: claims.roles }),
    ...(claims.scopes === undefined ? {} : { scopes: claims.scopes }),
    ...(claims.only === undefined ? {} : { onlyPatient: claims.only }),
    ...(claims.asr === undefined ? {} : { assurance: claims.asr }),
    ...(claims.fru === undefined ? {} : { freshUntil: claims.fru * 1_000 }),
    ...(claims.hid === undefined ? {} : { hides: claims.hid }),
    ...(claims.pol === undefined ? {} : { policies: claims.pol }),
  };
}

/** Verifies internal tokens; each service has its own. */
export interface TokenVerifier {
  /**
   * The caller that the token names, if it is bound to `workload`; the same object for the same token.
   * @throws ConnectError UNAUTHENTICATED CREDENTIAL_INVALID, or UNAVAILABLE if the keys cannot be fetched.
   */
  verify(token: string, workload: string): Promise<Caller>;
}

export interface TokenVerifierOptions {
  readonly issuer: string;
  /** Fetches the JSON Web Key Set (RFC 7517), as text. */
  readonly jwks: () => Promise<string>;
  readonly clock: Clock;
}

/** How much clocks may differ. */
const skewSeconds = 30;
/** Keys are fetched again for an unknown key id, at most this often: unknown tokens cannot cause more requests. */
const refetchMs = 5_000;
/** Older keys are fetched again in the background: a dropped key must not be trusted for long. */
const keysAgeMs = 30_000;
const verifiedTokens = 10_000;

export function createTokenVerifier({ issuer, jwks, clock }: TokenVerifierOptions): TokenVerifier {
  const verified = createCache<Caller>("verified-tokens", verifiedTokens, clock);
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetched = "";
  let fetching: Promise<void> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  /** When old keys were last fetched. */
  let triedAt = Number.NEGATIVE_INFINITY;

  function fetchKeys(): Promise<void> {
    fetching ??= jwks()
      .then((text) => {
        // Tokens that a dropped key has signed were verified with it.
        if (text !== fetched) verified.clear();
        fetched = text;
        keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
        fetchedAt = clock.monotonic();
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  async function verifySignature(token: string): Promise<JWTPayload> {
    if (keys === undefined) await fetchKeys();
    const options = {
      algorithms: ["ES256"],
      issuer,
      audience: tokenAudience,
      clockTolerance: skewSeconds,
      currentDate: new Date(clock.now()),
      requiredClaims: ["sub", "exp", "iat", "jti", "kind", "wl"],
    };
    try {
      return (await jwtVerify(token, keys!, options)).payload;
    } catch (error) {
      const unknownKey = error instanceof errors.JWKSNoMatchingKey;
      if (!unknownKey || clock.monotonic() - fetchedAt < refetchMs) throw error;
      await fetchKeys();
      return (await jwtVerify(token, keys!, options)).payload;
    }
  }

  return {
    async verify(token, workload) {
      // While identity is unavailable the cached keys stay in use; it makes no tokens meanwhile.
      const now = clock.monotonic();
      if (keys !== undefined && now - fetchedAt > keysAgeMs && now - triedAt > refetchMs) {
        triedAt = now;
        fetchKeys().catch(() => {});
      }
      const key = fingerprint(token);
      let caller = verified.get(key);
      if (caller === undefined) {
        let payload: JWTPayload;
        try {
          payload = await verifySignature(token);
        } catch (error) {
          throw problemError(error instanceof errors.JOSEError ? refusal(error) : keysUnavailable, error);
        }
        const claims = checkClaims(payload);
        caller = { principal: principalOf(claims), workload: claims.wl, token };
        verified.set(key, caller, Math.max(0, claims.exp * 1_000 - clock.now()));
      }
      if (caller.workload !== workload) throw problemError(invalid("it is bound to another workload"));
      return caller;
    },
  };
}

function invalid(why: string): Problem {
  return {
    code: Code.Unauthenticated,
    reason: "CREDENTIAL_INVALID",
    message: `the token is refused: ${why}`,
  };
}

const keysUnavailable: Problem = {
  code: Code.Unavailable,
  reason: "UNAVAILABLE",
  message: "tokens can't be verified at the moment: try again after the delay",
  retryAfterMs: 1_000,
};

function refusal(error: errors.JOSEError): Problem {
  if (error instanceof errors.JWTExpired) return invalid("it has expired, get a new one");
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalid(`its claim "${error.claim}" does not hold here`);
  if (error instanceof errors.JWKSNoMatchingKey) return invalid("its key is not one of this installation's");
  return invalid("it is not a token of this installation");
}

const kinds = ["application", "patient", "operator", "service", "person", "member"] as const;

function listOf<T>(list: readonly T[] | undefined, holds: (item: T) => boolean): boolean {
  return list === undefined || (Array.isArray(list) && list.every(holds));
}

/** Checks the shape of the claims that authorization trusts: a token of ours that lacks one permits nothing. */
function checkClaims(payload: JWTPayload): TokenClaims {
  const claims = payload as unknown as TokenClaims;
  const text = (value: unknown): boolean => typeof value === "string" && value !== "";
  const optional = (value: unknown): boolean => value === undefined || text(value);
  const shaped =
    kinds.includes(claims.kind) &&
    text(claims.sub) &&
    text(claims.wl) &&
    optional(claims.org) &&
    optional(claims.part) &&
    optional(claims.cred) &&
    optional(claims.only) &&
    (!["application", "member"].includes(claims.kind) || text(claims.org)) &&
    (claims.kind !== "patient" || text(claims.part)) &&
    (claims.act === undefined ||
      (typeof claims.act === "object" && actorKinds.includes(claims.act.kind) && text(claims.act.id))) &&
    listOf(claims.roles, (role) => roles.includes(role)) &&
    listOf(claims.scopes, text) &&
    listOf(claims.hid, text) &&
    (claims.asr === undefined || assurances.includes(claims.asr)) &&
    (claims.fru === undefined || (claims.asr === "fresh" && Number.isSafeInteger(claims.fru)));
  if (!shaped) throw problemError(invalid("its claims are not complete"));
  return claims;
}
