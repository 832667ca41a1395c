import { createHash } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from "jose";
import { IdentityError, proofInvalid } from "../errors.ts";

/** A call, as its door received it. */
export interface CalledUrl {
  /** Of HTTP. */
  readonly method: string;
  /** Host, with its port, by which the caller called. */
  readonly authority: string;
  readonly path: string;
}

/** What a proof says, once its signature and its call have been checked. */
export interface Proof {
  /** RFC 7638 thumbprint of the key that signed it. */
  readonly thumbprint: string;
  readonly id: string;
  readonly nonce: string | undefined;
}

const algorithms = ["ES256", "ES384", "PS256", "EdDSA", "Ed25519"];
const longestId = 256;

/**
 * Verifies a DPoP proof for one call with one token (RFC 9449, section 4.3) but for its key, its nonce and its replay, which
 * its caller judges. Throws `proof_invalid`.
 */
export async function verifyProof(
  proof: string,
  call: CalledUrl,
  {
    token,
    isOwnOrigin,
    now,
  }: {
    readonly token: string;
    readonly isOwnOrigin: (origin: string) => boolean;
    readonly now: number;
  },
): Promise<Proof> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms,
      typ: "dpop+jwt",
      // How old it is says its nonce, by this server's own clock.
      requiredClaims: ["iat", "jti", "htm", "htu", "ath"],
      currentDate: new Date(now),
      clockTolerance: 60,
    });
    const { jti, htm, htu, ath, nonce } = payload;
    if (typeof jti !== "string" || jti === "" || jti.length > longestId)
      throw proofInvalid("its jti is not usable");
    if (htm !== call.method) throw proofInvalid("it is for another HTTP method (htm)");
    const url = typeof htu === "string" ? URL.parse(htu) : null;
    if (url === null || !isCalled(url, call) || !isOwnOrigin(url.origin))
      throw proofInvalid("it is for another URL (htu)");
    if (ath !== createHash("sha256").update(token).digest("base64url"))
      throw proofInvalid("it is for another access token (ath)");
    if (nonce !== undefined && typeof nonce !== "string") throw proofInvalid("its nonce is not text");
    const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk as JWK);
    return { thumbprint, id: jti, nonce };
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    // Whatever else the sender's own key or text makes fail here: nothing is read from anywhere.
    throw proofInvalid("it is no DPoP proof (RFC 9449)", { cause });
  }
}

/**
 * Compares without query and fragment, as RFC 9449 has it, after the normalization of the URL standard. Whether the scheme is
 * right says the origin: TLS may end before the door.
 */
function isCalled(claimed: URL, { authority, path }: CalledUrl): boolean {
  const called = URL.parse(`${claimed.protocol}//${authority}${path}`);
  return called !== null && called.origin === claimed.origin && called.pathname === claimed.pathname;
}
