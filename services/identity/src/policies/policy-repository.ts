import type { Restrictions } from "@wellapi/policy";
import { type Clock, createBoundedCache } from "@wellapi/runtime";
import type { Document, Store } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import { put } from "../put.ts";
import { noPolicies, type OrganizationPolicies } from "./policy.ts";

export interface PolicyRepository {
  policies(organization: string): Promise<OrganizationPolicies>;
  /** Changes them together: what another call changed meanwhile is looked at again. The same object means: no change. */
  change(
    organization: string,
    change: (current: OrganizationPolicies) => OrganizationPolicies,
    commit: CommitWithLeaf,
  ): Promise<OrganizationPolicies>;
  /** What policies say of the organization's callers; undefined where they say nothing. At most five seconds old. */
  restrictions(organization: string): Promise<Restrictions | undefined>;
}

interface PoliciesDocument extends Document, OrganizationPolicies {
  readonly partition: typeof INSTALLATION;
  readonly id: string;
}

const collection = collections.policies;
/** Read for each exchange of a credential; a change in another replica counts after this. */
const knownMs = 5_000;
const knownOrganizations = 10_000;

export function createPolicyRepository(store: Store, clock: Clock): PolicyRepository {
  const known = createBoundedCache<{
    readonly read: Promise<Restrictions | undefined>;
    readonly until: number;
  }>({
    name: "policies",
    capacity: knownOrganizations,
  });
  /** The same object for the same version: what is derived from it is remembered by it. */
  const latest = createBoundedCache<Restrictions>({ name: "restrictions", capacity: knownOrganizations });
  const stored = (organization: string) =>
    store.get<PoliciesDocument>(collection, [INSTALLATION, organization]);

  async function policies(organization: string): Promise<OrganizationPolicies> {
    const found = await stored(organization);
    return found === undefined ? noPolicies(organization) : toPolicies(found.document);
  }

  async function read(organization: string): Promise<Restrictions | undefined> {
    const { version, policies: all } = await policies(organization);
    if (all.length === 0) return undefined;
    const before = latest.get(organization);
    if (before !== undefined && before.version === version) return before;
    const restrictions = { organization, version, policies: all };
    latest.set(organization, restrictions);
    return restrictions;
  }

  return {
    policies,
    async change(organization, change, commit) {
      for (;;) {
        const found = await stored(organization);
        const current = found === undefined ? noPolicies(organization) : toPolicies(found.document);
        const changed = change(current);
        if (changed === current) return current;
        const document: PoliciesDocument = { ...changed, partition: INSTALLATION, id: organization };
        const result = await commit({
          partition: INSTALLATION,
          changes: [put(collection, document, found)],
        });
        if (!result.committed) continue;
        known.delete(organization);
        return changed;
      }
    },
    restrictions(organization) {
      const now = clock.monotonic();
      const entry = known.get(organization);
      if (entry !== undefined && entry.until > now) return entry.read;
      const asked = read(organization);
      known.set(organization, { read: asked, until: now + knownMs });
      asked.catch(() => known.delete(organization));
      return asked;
    },
  };
}

/** Without the fields that only the store needs. */
function toPolicies({ partition: _, id: __, ...policies }: PoliciesDocument): OrganizationPolicies {
  return policies;
}
