import type { Follower } from "@wellapi/journal";
import type { Clock } from "@wellapi/runtime";
import { pages } from "@wellapi/store";
import type { Call } from "../accesses.ts";
import type { CredentialRepository } from "../credentials/credential-repository.ts";
import { organizationInUse } from "../errors.ts";
import { revocationOf, stateOf, writeDown } from "../journal-entries.ts";
import { type Application, inState, type Organization, type State } from "./organization.ts";
import type { OrganizationRepository } from "./organization-repository.ts";

/** Disables, enables and deletes. Once it resolves, the state holds everywhere, and a restore cannot undo it. */
export interface StateChanges {
  /** Throws `not_found`, `stale_etag`, `deleted`, `journal_unavailable`, and `organization_in_use` for a deletion. */
  organization(id: string, etag: string, to: State, call: Call): Promise<Organization>;
  /** As `organization`. A deletion revokes the credentials, too. */
  application(id: string, etag: string, to: State, call: Call): Promise<Application>;
}

const SCANNED_AT_ONCE = 500;

const requestOf = (cursor: string | undefined) => {
  return { size: SCANNED_AT_ONCE, ...(cursor === undefined ? {} : { cursor }) };
};

export function createStateChanges(deps: {
  readonly organizations: OrganizationRepository;
  readonly credentials: CredentialRepository;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  /** Called after a change that takes permissions away is durable. */
  readonly ended: (id: string) => void;
}): StateChanges {
  const { organizations, credentials, journal, clock, ended } = deps;

  async function settle(kind: "organization" | "application", changed: Organization, was: State) {
    if (changed.state !== was && changed.state !== "active") ended(changed.id);
    // Also where nothing changed: an earlier call may have failed here. A newly made resource has no change to
    // record.
    if (changed.stateVersion > 0) await writeDown(journal, stateOf(kind, changed));
  }

  async function checkUnused({ id }: Organization): Promise<void> {
    const read = (cursor: string | undefined) => organizations.applications(id, requestOf(cursor), false);
    for await (const { items } of pages(read)) if (items.length > 0) throw organizationInUse();
  }

  /** The application permits nothing by now, so the order in which its credentials are marked does not matter. */
  async function revokeAll(application: string, call: Call): Promise<void> {
    const read = (cursor: string | undefined) => credentials.ofApplication(application, requestOf(cursor));
    for await (const { items } of pages(read)) {
      for (const { id } of items) {
        const { credential } = await credentials.revoke(id, clock.now(), call.commit(), (revoked) => [
          journal.owed(revocationOf(revoked)),
        ]);
        await writeDown(journal, revocationOf(credential));
      }
    }
  }

  return {
    async organization(id, etag, to, call) {
      const { changed, before } = await organizations.amendOrganization(
        id,
        etag,
        {
          change: (current) => inState(current, to, clock.now()),
          also: (organization) => [journal.owed(stateOf("organization", organization))],
          ...(to === "deleted" ? { unless: checkUnused } : {}),
        },
        call.commit(),
      );
      await settle("organization", changed, before.state);
      return changed;
    },
    async application(id, etag, to, call) {
      const { changed, before } = await organizations.amendApplication(
        id,
        etag,
        {
          change: (current) => inState(current, to, clock.now()),
          also: (application) => [journal.owed(stateOf("application", application))],
        },
        call.commit(),
      );
      await settle("application", changed, before.state);
      if (to === "deleted") await revokeAll(changed.id, call);
      return changed;
    },
  };
}
