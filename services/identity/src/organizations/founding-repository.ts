import type { Change, Document, Store, Stored } from "@wellapi/store";
import { collections, INSTALLATION, REQUEST_INDEX } from "../collections.ts";
import type { CommitWithLeaf, Creation } from "../creation.ts";
import { damaged, tooManyOrganizations } from "../errors.ts";
import type { Organization } from "./organization.ts";
import type { OrganizationRepository } from "./organization-repository.ts";

/** One of an account's places for organizations that it made. */
type PlaceDocument = Document & {
  readonly account: string;
  /** From 0. */
  readonly place: number;
  readonly organization: string;
};

/** How many organizations that are not deleted an account may have made. */
export const mostFounded = 5;

/**
 * Organizations with the account that made them. An account has `mostFounded` places; an organization takes one in the commit that
 * makes it, and leaves it once it is deleted. So the limit also holds for requests that come at once.
 */
export interface FoundingRepository {
  /**
   * Stores the organization with `others`, once per creator and request_id. Throws `request_id_reused`, and
   * `too_many_organizations` where no place is free.
   */
  found(
    organization: Organization,
    creation: Creation,
    others: readonly Change[],
    commit: CommitWithLeaf,
  ): Promise<Organization>;
  /** How many places are free. */
  left(account: string): Promise<number>;
}

export function createFoundingRepository(
  store: Store,
  organizations: Pick<OrganizationRepository, "organization" | "findCreated" | "insertion">,
): FoundingRepository {
  const collection = collections.foundings;

  /** The changes that would take each free place. */
  async function freePlaces(account: string): Promise<readonly ((organization: string) => Change)[]> {
    const scan = { equals: [INSTALLATION, account], limit: mostFounded };
    const { documents } = await store.scan<PlaceDocument>(collection, scan);
    const taken = new Map(documents.map((stored) => [stored.document.place, stored]));
    const free = await Promise.all(
      Array.from({ length: mostFounded }, async (_, place) => {
        const stored = taken.get(place);
        if (stored !== undefined && !(await isDeleted(stored))) return undefined;
        return (organization: string): Change => {
          const document = { partition: INSTALLATION, account, place, organization };
          return stored === undefined
            ? { kind: "insert", collection, document }
            : { kind: "replace", collection, document, ifRevision: stored.revision };
        };
      }),
    );
    return free.filter((one) => one !== undefined);
  }

  async function isDeleted({ document }: Stored<PlaceDocument>): Promise<boolean> {
    return (await organizations.organization(document.organization)).state === "deleted";
  }

  return {
    async found(organization, creation, others, commit) {
      for (;;) {
        // Before the look for an earlier try: one that took the last place meanwhile is found by it.
        const [take] = await freePlaces(creation.creator);
        const created = await organizations.findCreated(organization, creation);
        if (created !== undefined) return created;
        if (take === undefined) throw tooManyOrganizations(mostFounded);
        const insertion = organizations.insertion(organization, creation);
        const changes = [insertion, take(organization.id), ...others];
        const result = await commit({ partition: INSTALLATION, changes });
        if (result.committed) return organization;
        if (result.change === 0 && result.index !== REQUEST_INDEX) {
          throw damaged("a new organization's id exists");
        }
      }
    },
    async left(account) {
      return (await freePlaces(account)).length;
    },
  };
}
