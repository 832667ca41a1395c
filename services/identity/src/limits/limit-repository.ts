import { type Clock, createBoundedCache } from "@wellapi/runtime";
import type { Document, Store } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import { staleEtag } from "../errors.ts";
import { put } from "../put.ts";
import { etagOf, type Limits, noLimits, type Rates, ratesOf } from "./limits.ts";

export interface LimitRepository {
  /** What is set; `organization` empty: for the installation. */
  limits(organization: string): Promise<Limits>;
  /** Changes them under their etag; an empty one: whatever they are. Throws `stale_etag`. */
  change(
    organization: string,
    etag: string,
    change: (current: Limits) => Limits,
    commit: CommitWithLeaf,
  ): Promise<Limits>;
  /** The rates that hold for callers of the organization; undefined: for a patient. At most ten seconds old. */
  rates(organization: string | undefined): Promise<Rates>;
}

interface LimitsDocument extends Document, Limits {
  readonly partition: typeof INSTALLATION;
  /** The organization, or `installation`, which is no organization's id. */
  readonly id: string;
}

const collection = collections.limits;
const ofInstallation = "installation";
/** Read for each exchange of a credential; a change in another replica counts after this. */
const knownMs = 10_000;
const knownOrganizations = 10_000;

export function createLimitRepository(store: Store, clock: Clock): LimitRepository {
  const known = createBoundedCache<{ readonly limits: Promise<Limits>; readonly until: number }>({
    name: "limits",
    capacity: knownOrganizations,
  });
  const idOf = (organization: string): string => (organization === "" ? ofInstallation : organization);

  const stored = (organization: string) =>
    store.get<LimitsDocument>(collection, [INSTALLATION, idOf(organization)]);

  async function limits(organization: string): Promise<Limits> {
    const found = await stored(organization);
    return found === undefined ? noLimits(organization) : toLimits(found.document);
  }

  function recent(organization: string): Promise<Limits> {
    const now = clock.monotonic();
    const entry = known.get(idOf(organization));
    if (entry !== undefined && entry.until > now) return entry.limits;
    const read = limits(organization);
    known.set(idOf(organization), { limits: read, until: now + knownMs });
    read.catch(() => known.delete(idOf(organization)));
    return read;
  }

  return {
    limits,
    async change(organization, etag, change, commit) {
      for (;;) {
        const found = await stored(organization);
        const current = found === undefined ? noLimits(organization) : toLimits(found.document);
        const changed = change(current);
        // Before the etag: a repeated change whose first answer was lost gets the same answer again.
        if (changed === current) return current;
        if (etag !== "" && etag !== etagOf(current)) throw staleEtag("limits");
        const document = { ...changed, partition: INSTALLATION, id: idOf(organization) };
        const result = await commit({
          partition: INSTALLATION,
          changes: [put(collection, document, found)],
        });
        if (!result.committed) continue;
        known.delete(idOf(organization));
        return changed;
      }
    },
    async rates(organization) {
      const installation = await recent("");
      return ratesOf(organization === undefined ? noLimits("") : await recent(organization), installation);
    },
  };
}

/** Without the fields that only the store needs. */
function toLimits({ partition: _, id: __, ...limits }: LimitsDocument): Limits {
  return limits;
}
