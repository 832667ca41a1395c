import type { Principal } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { looksLikeAccessToken } from "../access-tokens/access-token.ts";
import type { AccessTokenExchange } from "../access-tokens/access-token-exchange.ts";
import type { Presented } from "../access-tokens/possession.ts";
import { credentialInvalid } from "../errors.ts";
import { partitionOf } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { PatientTokenRepository } from "./patient-token-repository.ts";
import type { InternalClaims, TokenIssuer } from "./token.ts";

/**
 * What a bearer token gives. `nonce`: for the next DPoP proof of the caller, where it needs another one. `allowedOrigins`: whose
 * pages may read the answers.
 */
export type BearerClaims = InternalClaims & {
  readonly nonce?: string;
  readonly allowedOrigins?: readonly string[];
};

/** Exchanges tokens that callers from outside bear: access tokens of OAuth clients, and tokens of patients. */
export interface BearerExchange {
  /** Throws `credential_invalid`, `proof_invalid`, `nonce_required`. */
  claims(token: string, presented: Presented, workload: string): Promise<BearerClaims>;
  /** What is stored of a patient's token may have been revoked since. Throws `credential_invalid`. */
  checkPatientToken(partition: string, id: string): Promise<void>;
}

export interface BearerExchangeDeps {
  readonly patients: PatientRepository;
  readonly patientTokens: PatientTokenRepository;
  readonly accessTokens: AccessTokenExchange;
  readonly pairwise: Pairwise;
  readonly tokens: TokenIssuer;
  readonly region: string;
}

export function createBearerExchange(deps: BearerExchangeDeps): BearerExchange {
  const { patients, patientTokens, accessTokens, pairwise, tokens, region } = deps;

  async function ofAccessToken(token: string, presented: Presented, workload: string): Promise<BearerClaims> {
    const exchanged = await accessTokens.exchange(token, presented, workload);
    const { principal, origin, credentialEnd, allowedOrigins, nonce } = exchanged;
    const claims = { principal, accessToken: origin, credentialEnd, allowedOrigins };
    return nonce === undefined ? claims : { ...claims, nonce };
  }

  async function ofPatientToken(token: string, { certificate, dpop }: Presented): Promise<InternalClaims> {
    if (certificate !== undefined || dpop !== undefined)
      throw credentialInvalid(
        "send one credential only: a patient's token comes alone, so not at the gRPC door, whose callers have certificates",
      );
    const { tokenId, patient, operator, expireTime } = await tokens.verifyPatient(token);
    const id = pairwise.inward("installation", "pat", patient);
    if (id === undefined) throw credentialInvalid("the token names no patient");
    const partition = partitionOf(region, id);
    // Erased patients may still sign in: they keep access to the log of who read their data.
    if (!(await patients.exists(partition))) throw credentialInvalid("the token names no patient");
    await checkPatientToken(partition, tokenId);
    const actor = { kind: "operator", id: operator } as const;
    const principal: Principal = { kind: "patient", id, partition, credential: tokenId, actor };
    return { principal, credentialEnd: expireTime };
  }

  /** A token that is not stored is one from before a restore, or of a version that stored none: it cannot be revoked. */
  async function checkPatientToken(partition: string, id: string): Promise<void> {
    const token = await patientTokens.find(partition, id);
    if (token === undefined) throw credentialInvalid("the token is unknown: ask for another one");
    if (token.revokeTime !== undefined) throw credentialInvalid("the token was revoked");
    if ((await patients.frozenSince(partition)) !== undefined)
      throw credentialInvalid("the patient's record is frozen");
  }

  return {
    checkPatientToken,
    claims: (token, presented, workload) =>
      looksLikeAccessToken(token)
        ? ofAccessToken(token, presented, workload)
        : ofPatientToken(token, presented),
  };
}
