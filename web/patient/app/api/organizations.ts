import { Code, ConnectError } from "@connectrpc/connect";
import { type Organization, Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
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
/** The contract's bound of one call. */
const mostAtOnce = 100;

/** As `organizationsOf`, for one. */
export async function organizationOf(connection: Connection, id: string): Promise<KnownOrganization> {
  return (await organizationsOf(connection, [id])).get(id) ?? unknown(id);
}

/** By id. Each is asked for once while the page is open, together with the others; again where there was no answer. */
export async function organizationsOf(
  connection: Connection,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, KnownOrganization>> {
  const all = [...new Set(ids)].filter((id) => id !== "");
  const missing = all.filter((id) => !known.has(id));
  for (let at = 0; at < missing.length; at += mostAtOnce) {
    const some = missing.slice(at, at + mostAtOnce);
    const answer = answered(connection, some);
    for (const id of some) {
      const one = answer.then(
        (found) => found.get(id) ?? unknown(id),
        () => {
          known.delete(id);
          return unknown(id);
        },
      );
      known.set(id, one);
    }
  }
  return new Map(await Promise.all(all.map(async (id) => [id, await known.get(id)!] as const)));
}

/** Who is not known leaves the others without an answer (AIP-231): then each is asked for alone. */
async function answered(
  connection: Connection,
  ids: readonly string[],
): Promise<ReadonlyMap<string, KnownOrganization>> {
  try {
    const asked = { organizations: [...ids] };
    const { organizations } = await connection.organizations.batchGetOrganizations(asked);
    return new Map(organizations.map((one) => [one.id, knownOf(one)]));
  } catch (error) {
    if (ConnectError.from(error).code !== Code.NotFound) throw error;
    if (ids.length === 1) return new Map();
    const alone = await Promise.all(ids.map((id) => answered(connection, [id])));
    return new Map(alone.flatMap((one) => [...one]));
  }
}

function knownOf({ id, displayName, verification, state }: Organization): KnownOrganization {
  return {
    id,
    name: displayName || undefined,
    verified: verification !== undefined,
    closed: state !== Organization_State.ACTIVE,
  };
}

function unknown(id: string): KnownOrganization {
  return { id, name: undefined, verified: false, closed: false };
}
