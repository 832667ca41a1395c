import type { ServiceImpl } from "@connectrpc/connect";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { callerKey, type PageTokens } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Accesses } from "./access-interceptor.ts";
import { toApplicationMessage, toOrganizationMessage } from "./convert.ts";
import type { CreationOf } from "./creation.ts";
import type { OrganizationRepository } from "./organization-repository.ts";
import { openPage } from "./page.ts";

const { method } = OrganizationService;

export function createOrganizationHandlers(deps: {
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly creationOf: CreationOf;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
  readonly ids: Ids;
}): ServiceImpl<typeof OrganizationService> {
  const { accesses, organizations, creationOf, pageTokens, clock, ids } = deps;
  return {
    createOrganization({ organization: asked, requestId }, context) {
      return accesses.logged(context, method.createOrganization, requestId, async ({ caller, commit }) => {
        const displayName = asked?.displayName ?? "";
        const organization = { id: ids.next("org"), displayName, createTime: clock.now() };
        const creation = creationOf(caller.principal.id, requestId);
        const created = await organizations.createOrganization(organization, creation, commit());
        return { organization: toOrganizationMessage(created) };
      });
    },
    async getOrganization({ organization }) {
      return { organization: toOrganizationMessage(await organizations.organization(organization)) };
    },
    async listOrganizations(request, context) {
      const caller = context.values.get(callerKey);
      const page = openPage(pageTokens, caller, method.listOrganizations, request);
      const { items, cursor } = await organizations.organizations(page.request);
      return { organizations: items.map(toOrganizationMessage), nextPageToken: page.nextPageToken(cursor) };
    },
    createApplication({ application: asked, requestId }, context) {
      return accesses.logged(context, method.createApplication, requestId, async ({ caller, commit }) => {
        const { id: organization } = await organizations.organization(asked?.organization ?? "");
        const application = {
          id: ids.next("app"),
          organization,
          displayName: asked?.displayName ?? "",
          createTime: clock.now(),
        };
        const creation = creationOf(caller.principal.id, requestId);
        const created = await organizations.createApplication(application, creation, commit());
        return { application: toApplicationMessage(created) };
      });
    },
    async getApplication({ application }) {
      return { application: toApplicationMessage(await organizations.application(application)) };
    },
    async listApplications(request, context) {
      const caller = context.values.get(callerKey);
      const { id } = await organizations.organization(request.organization);
      const page = openPage(pageTokens, caller, method.listApplications, request);
      const { items, cursor } = await organizations.applications(id, page.request);
      return { applications: items.map(toApplicationMessage), nextPageToken: page.nextPageToken(cursor) };
    },
  };
}
