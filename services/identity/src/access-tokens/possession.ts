import { createHash } from "node:crypto";
import type { Clock } from "@wellapi/runtime";
import type { CredentialRepository } from "../credentials/credential-repository.ts";
import { credentialInvalid, nonceRequired, proofInvalid } from "../errors.ts";
import type { AccessToken } from "./access-token.ts";
import type { DpopNonces } from "./dpop-nonces.ts";
import { type CalledUrl, verifyProof } from "./dpop-proof.ts";
import type { DpopProofRepository } from "./dpop-proof-repository.ts";

/** What came with a token. */
export interface Presented {
  /** DER, of the call's own TLS connection. */
  readonly certificate?: Uint8Array;
  readonly dpop?: CalledUrl & {
    readonly proof: string;
    /** Names this use of the proof, which the door may send twice. */
    readonly attempt: string;
  };
}

/** Judges whether a token is in the hands of those for whom it was made. */
export interface Possession {
  /** Resolves with the nonce for the caller's next proof, if it needs another one. Throws `proof_invalid`, `nonce_required`. */
  check(token: string, claims: AccessToken, presented: Presented): Promise<string | undefined>;
}

export interface PossessionDeps {
  readonly nonces: DpopNonces;
  readonly proofs: Pick<DpopProofRepository, "use">;
  readonly credentials: Pick<CredentialRepository, "findByFingerprint">;
  /** Whether callers may call by this origin (`https://wellapi.example.com`): a proof for another server is none here. */
  readonly isOwnOrigin: (origin: string) => boolean;
  readonly clock: Clock;
}

export function createPossession(deps: PossessionDeps): Possession {
  const { nonces, proofs, credentials, isOwnOrigin, clock } = deps;

  /**
   * At the gRPC door each call has a certificate. It need not be the one that the token is bound to, unless it is, but it must
   * be in force and of the same application: else a token could be used by the holder of any certificate.
   */
  async function checkCertificate(der: Uint8Array, { client, bound }: AccessToken): Promise<void> {
    const digest = createHash("sha256").update(der).digest();
    const isBound = bound !== undefined && "certificate" in bound;
    if (isBound && bound.certificate !== digest.toString("base64url"))
      throw proofInvalid("the token is bound to another client certificate");
    const known = await credentials.findByFingerprint(digest.toString("hex"));
    // A client may have registered a certificate of its own, which is none of this installation's credentials.
    if (known === undefined && isBound) return;
    const holder = known?.holder;
    if (holder?.kind !== "application" || holder.application !== client)
      throw proofInvalid("the client certificate of the connection is not one of the token's client");
    const inForce = known?.revokeTime === undefined && (known?.expireTime ?? 0) > clock.now();
    if (!inForce) throw credentialInvalid("the client certificate was revoked or has expired");
  }

  async function checkProof(token: string, key: string, dpop: NonNullable<Presented["dpop"]>) {
    const proof = await verifyProof(dpop.proof, dpop, { token, isOwnOrigin, now: clock.now() });
    if (proof.thumbprint !== key) throw proofInvalid("it is signed by another key than the token's");
    const judged = proof.nonce === undefined ? "unknown" : nonces.judge(proof.nonce);
    if (judged === "unknown") throw nonceRequired(nonces.current());
    // Last, so that a proof that is refused for something else is not used up.
    if (!(await proofs.use(proof, dpop.attempt)))
      throw proofInvalid("it was used before: make a new one for each call");
    return judged === "old" ? nonces.current() : undefined;
  }

  return {
    async check(token, claims, { certificate, dpop }) {
      const { bound } = claims;
      if (certificate !== undefined) await checkCertificate(certificate, claims);
      else if (bound !== undefined && "certificate" in bound)
        throw proofInvalid(
          "the token is bound to a client certificate: call with it, at the gRPC door or where the gateway asks for certificates",
        );
      if (bound !== undefined && "key" in bound) {
        if (dpop === undefined)
          throw proofInvalid(
            'the token is bound to a key: send it as "authorization: DPoP <token>", with a proof in the header "dpop"',
          );
        return checkProof(token, bound.key, dpop);
      }
      if (dpop !== undefined)
        throw proofInvalid('the token is not bound to a key: send it as "authorization: Bearer <token>"');
      return undefined;
    },
  };
}
