import type { Grant } from "./grant.ts";
import type { GrantRepository } from "./grant-repository.ts";
import type { StateRepository } from "./state-repository.ts";
import type { Endpoints } from "./surface-endpoints.ts";

const REVOKED = "RevokedToken";

/** What the OAuth server knows of its tokens now. Nothing of it is remembered. */
export interface OAuthStandings {
  readonly issuer: string;
  /** Of tokens for the RPCs. */
  readonly audience: string;
  /** Whether the token was revoked by itself (RFC 7009). */
  isRevoked(jti: string): Promise<boolean>;
  /** Remembers it until it would have ended, UTC milliseconds. */
  revoke(jti: string, expireTime: number): Promise<void>;
  /**
   * The grant; undefined once it has ended, or a consent of it is not in force. Throws ConnectError UNAVAILABLE where
   * that cannot be said.
   */
  findGrant(id: string): Promise<Grant | undefined>;

  /** Whether all of these are in force, the patient's, and for the organization. */
  inForce(consents: readonly string[], partition: string, organization: string): Promise<boolean>;
  /** Its tokens end; its consents do not. */
  endGrant(id: string): Promise<void>;
}

export function createStandings(deps: {
  readonly endpoints: () => Endpoints;
  readonly states: StateRepository;
  readonly grants: GrantRepository;
  readonly inForce: OAuthStandings["inForce"];
  /** Whether the person died whose account it is: whatever they granted for themselves has ended. */
  readonly isFrozen: (account: string) => Promise<boolean>;
  /** Tells the doors of an end. */
  readonly ended: (grant: string) => void;
}): OAuthStandings {
  const { endpoints, states, grants, inForce, isFrozen, ended } = deps;

  return {
    get issuer() {
      return endpoints().issuer;
    },
    get audience() {
      return endpoints().api;
    },
    isRevoked: async (jti) => (await states.find(REVOKED, jti)) !== undefined,
    async revoke(jti, expireTime) {
      await states.insert({ model: REVOKED, id: jti, payload: {}, expireTime });
      ended(jti);
    },
    async findGrant(id) {
      const grant = await grants.find(id);
      if (grant === undefined) return undefined;
      // What an organization may do by a consent does not depend on who gave it.
      if (grant.kind !== "connect" && (await isFrozen(grant.account))) return undefined;
      if (grant.partition === undefined) return grant;
      return (await inForce(grant.consents, grant.partition, grant.organization)) ? grant : undefined;
    },
    inForce,
    async endGrant(id) {
      await grants.end(id);
      await states.remove("Grant", id);
      await states.removeOfGrant(id);
      ended(id);
    },
  };
}
