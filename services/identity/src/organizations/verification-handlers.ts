import type { ServiceImpl } from "@connectrpc/connect";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { Follower } from "@wellapi/journal";
import type { Clock } from "@wellapi/runtime";
import type { Accesses, Call } from "../accesses.ts";
import { toOrganizationMessage } from "../convert.ts";
import { unverifiedOf, writeDown } from "../journal-entries.ts";
import { type Organization, type Verification, withVerification } from "./organization.ts";
import type { OrganizationRepository } from "./organization-repository.ts";

const { method } = OrganizationService;

export interface VerificationHandlersDeps {
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  /** Called after a verification was taken back, once that is durable. */
  readonly ended: (organization: string) => void;
}

/** What the privacy officer confirms of an organization, and takes back. */
export function createVerificationHandlers(
  deps: VerificationHandlersDeps,
): Pick<ServiceImpl<typeof OrganizationService>, "verifyOrganization" | "unverifyOrganization"> {
  const { accesses, clock, ended } = deps;
  return {
    verifyOrganization({ organization: id, legalName, domain, agreements, etag }, context) {
      return accesses.logged(context, method.verifyOrganization, "", async (call) => {
        const verification = {
          legalName,
          domain: domain.toLowerCase(),
          agreements,
          verifier: call.caller.principal.id,
          verifyTime: clock.now(),
        };
        const { changed } = await amend(deps, id, etag, verification, call);
        return { organization: toOrganizationMessage(changed) };
      });
    },
    unverifyOrganization({ organization: id, etag }, context) {
      return accesses.logged(context, method.unverifyOrganization, "", async (call) => {
        const { changed, before } = await amend(deps, id, etag, undefined, call);
        if (before.verification !== undefined) ended(id);
        return { organization: toOrganizationMessage(changed) };
      });
    },
  };
}

/** A restore may undo a verification, which is repeated then, but not the end of one. */
async function amend(
  { organizations, journal, clock }: VerificationHandlersDeps,
  id: string,
  etag: string,
  verification: Verification | undefined,
  { commit }: Call,
): Promise<{ readonly changed: Organization; readonly before: Organization }> {
  const amended = await organizations.amendOrganization(
    id,
    etag,
    {
      change: (current) => withVerification(current, verification, clock.now()),
      also: (changed) => (verification === undefined ? [journal.owed(unverifiedOf(changed))] : []),
    },
    commit(),
  );
  // Also where nothing changed: an earlier call may have failed here.
  if (verification === undefined && amended.changed.verificationVersion !== undefined) {
    await writeDown(journal, unverifiedOf(amended.changed));
  }
  return amended;
}
