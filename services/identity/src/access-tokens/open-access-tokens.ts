import type { Clock, Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Kms } from "@wellapi/vault";
import type { IdentityConfig } from "../config.ts";
import { createAccessTokenVerifier } from "./access-token.ts";
import {
  type AccessTokenExchange,
  type AccessTokenExchangeDeps,
  createAccessTokenExchange,
} from "./access-token-exchange.ts";
import { createDpopNonces } from "./dpop-nonces.ts";
import { openDpopProofRepository } from "./dpop-proof-repository.ts";
import { createPossession, type PossessionDeps } from "./possession.ts";

export interface AccessTokensOptions
  extends Omit<AccessTokenExchangeDeps, "verifier" | "possession">,
    Pick<PossessionDeps, "credentials"> {
  readonly store: Store;
  readonly kms: Pick<Kms, "derive">;
  readonly keys: Parameters<typeof createAccessTokenVerifier>[0]["keys"];
  readonly clock: Clock;
  readonly log: Logger;
}

const ofThisMachine = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** Access tokens of the OAuth server at the doors: docs/decisions/0040. */
export async function openAccessTokens(
  config: Pick<IdentityConfig, "origin" | "mtlsOrigin" | "doorOrigins" | "profile">,
  options: AccessTokensOptions,
): Promise<AccessTokenExchange & { close(): Promise<void> }> {
  const { kms, keys, clock } = options;
  const { origin, mtlsOrigin, doorOrigins = [] } = config;
  // Callers of this machine call by any port.
  const sandbox = config.profile === "sandbox";
  const others = new Set(doorOrigins.map((one) => new URL(one).origin));
  const proofs = await openDpopProofRepository(options);
  const possession = createPossession({
    ...options,
    proofs,
    nonces: createDpopNonces(await kms.derive("identity/dpop-nonces"), clock),
    isOwnOrigin: (asked) =>
      asked === origin() ||
      asked === mtlsOrigin?.() ||
      others.has(asked) ||
      (sandbox && ofThisMachine.test(asked)),
  });
  const verifier = createAccessTokenVerifier({ issuer: origin, keys, clock });
  return { ...createAccessTokenExchange({ ...options, verifier, possession }), close: proofs.close };
}
