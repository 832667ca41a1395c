import { createClient, type Transport } from "@connectrpc/connect";
import { PolicyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/policy_directory_service_pb";
import type { Restrictions } from "@wellapi/policy";
import type { Principal } from "@wellapi/rpc";
import { createBoundedCache } from "@wellapi/runtime";

/** What organizations forbid their own callers, in the version that a caller's token names or a newer one. */
export interface Restricting {
  /** Undefined where there is none, `unknown` where identity has to be asked. */
  known(principal: Principal): Restrictions | undefined | "unknown";
  /** Throws ConnectError where identity cannot answer. */
  find(principal: Principal): Promise<Restrictions | undefined>;
}

const organizations = 10_000;

export function createRestricting(identity: Transport): Restricting {
  const client = createClient(PolicyDirectoryService, identity);
  const latest = createBoundedCache<Restrictions>({ name: "restrictions", capacity: organizations });

  function known({ organization, policies: version }: Principal): Restrictions | undefined | "unknown" {
    if (version === undefined || organization === undefined) return undefined;
    const found = latest.get(organization);
    return found !== undefined && found.version >= version ? found : "unknown";
  }

  return {
    known,
    async find(principal) {
      const found = known(principal);
      if (found !== "unknown") return found;
      const organization = principal.organization!;
      const { version, restrictions } = await client.getRestrictions({ organization });
      const policies = restrictions.map(({ id, reason, text }) => ({ id, reason, text }));
      const fetched: Restrictions = { organization, version: Number(version), policies };
      latest.set(organization, fetched);
      return fetched;
    },
  };
}
