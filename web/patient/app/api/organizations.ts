import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import type { Connection } from "./connection.ts";

/** An organization as a patient knows it. */
export interface KnownOrganization {
  readonly id: string;
  /** Its own name; undefined where it is not known any more. */
  readonly name: string | undefined;
  /** Whether the installation has checked who it is. */
  readonly verified: boolean;
  /** Whether it may not call at the moment, or is gone. */
  readonly closed: boolean;
}

const known = new Map<string, Promise<KnownOrganization>>();

/** Asked for once while the page is open; again where there was no answer. */
export function organizationOf({ organizations }: Connection, id: string): Promise<KnownOrganization> {
  const before = known.get(id);
  if (before !== undefined) return before;
  const asked = organizations.getOrganization({ organization: id }).then(
    ({ organization }) => ({
      id,
      name: organization?.displayName || undefined,
      verified: organization?.verification !== undefined,
      closed: organization?.state !== Organization_State.ACTIVE,
    }),
    () => {
      known.delete(id);
      return { id, name: undefined, verified: false, closed: false };
    },
  );
  known.set(id, asked);
  return asked;
}

/** By id. */
export async function organizationsOf(
  connection: Connection,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, KnownOrganization>> {
  const all = [...new Set(ids)].filter((id) => id !== "");
  return new Map(
    await Promise.all(all.map(async (id) => [id, await organizationOf(connection, id)] as const)),
  );
}
