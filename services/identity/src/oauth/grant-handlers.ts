import type { ServiceImpl } from "@connectrpc/connect";
import { GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import type { Follower } from "@wellapi/journal";
import type { Caller, PageTokens } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses, Call } from "../accesses.ts";
import { notFound } from "../errors.ts";
import { writeDown } from "../journal-entries.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { type ListPage, openPage, type PageRequest } from "../page.ts";
import type { Grant } from "./grant.ts";
import { toGrantMessage } from "./grant-convert.ts";
import { endOfGrantFact } from "./grant-journal.ts";
import type { GrantRepository } from "./grant-repository.ts";
import type { OAuthStandings } from "./standings.ts";

const { method } = GrantService;
const MOST_ENDED = 1_000;

export interface GrantHandlersDeps {
  readonly accesses: Accesses;
  readonly grants: Pick<GrantRepository, "find" | "ofPatient" | "ofAccount" | "deletion">;
  readonly standings: Pick<OAuthStandings, "findGrant" | "endGrant">;
  readonly organizations: Pick<OrganizationRepository, "application" | "organization">;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}

/** The RPCs by which people see and end what they have granted to applications. */
export function createGrantHandlers(deps: GrantHandlersDeps): ServiceImpl<typeof GrantService> {
  const { accesses, grants, standings, pageTokens } = deps;
  return {
    listGrants(request, context) {
      return accesses.logged(context, method.listGrants, "", async ({ caller, about }) => {
        aboutCaller(caller, about);
        const page = openPage(pageTokens, caller, method.listGrants, request);
        const { items, cursor } = await grantsOf(grants, caller, page.request);
        const standing = await Promise.all(items.map(({ id }) => standings.findGrant(id)));
        const inForce = standing.filter((grant) => grant !== undefined).filter((one) => isShown(caller, one));
        return {
          grants: await Promise.all(inForce.map((grant) => toMessage(deps, grant))),
          nextPageToken: page.nextPageToken(cursor),
        };
      });
    },
    endGrants({ grants: named, all }, context) {
      return accesses.logged(context, method.endGrants, "", async (call) => {
        aboutCaller(call.caller, call.about);
        const asked = all
          ? (await grantsOf(grants, call.caller, { size: MOST_ENDED })).items.filter((grant) =>
              isShown(call.caller, grant),
            )
          : await namedOf(grants, call.caller, named);
        for (const grant of asked) await end(deps, grant, call);
        return { ended: asked.length };
      });
    },
  };
}

/** Of a minor with care of their own, whoever acts in their name sees what they connected themselves. */
function isShown({ principal: { hides, actor } }: Caller, { account }: Grant): boolean {
  return hides === undefined || account === actor?.id;
}

function aboutCaller({ principal: { id, partition } }: Caller, about: Call["about"]): void {
  if (partition !== undefined) about({ id, partition });
}

function grantsOf(
  grants: GrantHandlersDeps["grants"],
  { principal: { id, partition } }: Caller,
  page: PageRequest,
): Promise<ListPage<Grant>> {
  return partition === undefined ? grants.ofAccount(id, page) : grants.ofPatient(partition, page);
}

/** Those of the named ones that have not ended. Throws `not_found` for one of somebody else. */
async function namedOf(
  grants: GrantHandlersDeps["grants"],
  caller: Caller,
  named: readonly string[],
): Promise<readonly Grant[]> {
  const { id, partition } = caller.principal;
  const found = await Promise.all([...new Set(named)].map((one) => grants.find(one)));
  const known = found.filter((grant) => grant !== undefined);
  const own = (grant: Grant) =>
    partition === undefined
      ? grant.partition === undefined && grant.account === id
      : grant.partition === partition && isShown(caller, grant);
  if (!known.every(own)) throw notFound("grant");
  return known;
}

async function end(
  { grants, standings, journal, clock }: GrantHandlersDeps,
  grant: Grant,
  { caller, commit }: Call,
): Promise<void> {
  const fact = endOfGrantFact(grant, clock.now());
  const { partition, change } = grants.deletion(grant);
  const { principal } = caller;
  const patient =
    principal.partition === undefined ? undefined : { id: principal.id, partition: principal.partition };
  await commit(patient)({ partition, changes: [change, journal.owed(fact)] });
  await standings.endGrant(grant.id);
  await writeDown(journal, fact);
}

async function toMessage({ organizations }: GrantHandlersDeps, grant: Grant) {
  const application = await organizations.application(grant.application);
  return toGrantMessage(grant, application, await organizations.organization(application.organization));
}
