import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { ApplicationSchema, OrganizationSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import type { OAuthClient as OAuthClientMessage } from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { Follower } from "@wellapi/journal";
import { callerKey, maskedFields, type PageTokens } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Accesses, Call } from "../accesses.ts";
import { toApplicationMessage, toOrganizationMessage } from "../convert.ts";
import type { CreationOf } from "../creation.ts";
import { applicationFor } from "../credentials/ownership.ts";
import { invalidField } from "../errors.ts";
import { checkClient, type OAuthClient } from "../oauth/client.ts";
import { fromClientMessage } from "../oauth/client-convert.ts";
import { openPage } from "../page.ts";
import { createEmergencySwitchHandlers } from "./emergency-switch-handlers.ts";
import { newParticipant, type Organization, registeredAs, renamed, type State } from "./organization.ts";
import type { OrganizationRepository } from "./organization-repository.ts";
import { checkOwn } from "./own-organization.ts";
import type { SignUp } from "./sign-up.ts";
import type { StateChanges } from "./state-change.ts";
import { createVerificationHandlers } from "./verification-handlers.ts";

const { method } = OrganizationService;

interface OrganizationHandlersDeps {
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly signUp: SignUp;
  readonly states: StateChanges;
  readonly creationOf: CreationOf;
  readonly pageTokens: PageTokens;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly ended: (id: string) => void;
  /** Whether clients' TLS certificates reach the OAuth server. */
  readonly takesCertificates: () => boolean;
}

export function createOrganizationHandlers(
  deps: OrganizationHandlersDeps,
): ServiceImpl<typeof OrganizationService> {
  const { accesses, organizations, creationOf, pageTokens, clock, ids, takesCertificates } = deps;
  const clientOf = (message: OAuthClientMessage) => checkedClient(message, takesCertificates());
  return {
    createOrganization({ organization: asked, requestId }, context) {
      return accesses.logged(context, method.createOrganization, requestId, async (call) => {
        const created = await makeOrganization(deps, asked?.displayName ?? "", requestId, call);
        return { organization: toOrganizationMessage(created) };
      });
    },
    async getOrganization({ organization }) {
      return { organization: toOrganizationMessage(await organizations.organization(organization)) };
    },
    async batchGetOrganizations({ organizations: ids }) {
      const found = await Promise.all(ids.map((id) => organizations.organization(id)));
      return { organizations: found.map(toOrganizationMessage) };
    },
    async listOrganizations(request, context) {
      const caller = context.values.get(callerKey);
      const page = openPage(pageTokens, caller, method.listOrganizations, request);
      const { items, cursor } = await organizations.organizations(page.request, request.showDeleted);
      return { organizations: items.map(toOrganizationMessage), nextPageToken: page.nextPageToken(cursor) };
    },
    updateOrganization({ organization: asked, updateMask }, context) {
      return accesses.logged(context, method.updateOrganization, "", async ({ caller, commit }) => {
        checkOwn(caller, asked?.id ?? "");
        const fields = maskedFields(OrganizationSchema, asked, updateMask);
        const change = renaming("organization", fields, asked, clock);
        const { id = "", etag = "" } = asked ?? {};
        const { changed } = await organizations.amendOrganization(id, etag, { change }, commit());
        return { organization: toOrganizationMessage(changed) };
      });
    },
    createApplication({ application: asked, requestId }, context) {
      return accesses.logged(context, method.createApplication, requestId, async ({ caller, commit }) => {
        checkOwn(caller, asked?.organization ?? "");
        const { id: organization } = await organizations.organization(asked?.organization ?? "");
        const application = {
          id: ids.next("app"),
          organization,
          ...newParticipant(asked?.displayName ?? "", clock.now()),
          ...(asked?.oauth && { oauth: await clientOf(asked.oauth) }),
        };
        const creation = creationOf(caller.principal.id, requestId);
        const created = await organizations.createApplication(application, creation, commit());
        return { application: toApplicationMessage(created) };
      });
    },
    async getApplication({ application: id }, context) {
      const application = await applicationFor(context.values.get(callerKey), organizations, id);
      return { application: toApplicationMessage(application) };
    },
    async listApplications(request, context) {
      const caller = context.values.get(callerKey);
      checkOwn(caller, request.organization);
      const { id } = await organizations.organization(request.organization);
      const page = openPage(pageTokens, caller, method.listApplications, request);
      const { items, cursor } = await organizations.applications(id, page.request, request.showDeleted);
      return { applications: items.map(toApplicationMessage), nextPageToken: page.nextPageToken(cursor) };
    },
    updateApplication({ application: asked, updateMask }, context) {
      return accesses.logged(context, method.updateApplication, "", async ({ caller, commit }) => {
        const fields = maskedFields(ApplicationSchema, asked, updateMask);
        const rename = renaming("application", fields, asked, clock);
        const oauth = fields.has("oauth") && asked?.oauth ? await clientOf(asked.oauth) : undefined;
        const { id = "", etag = "", organization = "" } = asked ?? {};
        await applicationFor(caller, organizations, id);
        const { changed } = await organizations.amendApplication(
          id,
          etag,
          {
            change: (current) => {
              if (organization !== "" && organization !== current.organization) {
                throw invalidField("application.organization", "an application stays with its organization");
              }
              const named = rename(current);
              return fields.has("oauth") ? registeredAs(named, oauth, clock.now()) : named;
            },
          },
          commit(),
        );
        return { application: toApplicationMessage(changed) };
      });
    },
    ...stateHandlers(deps),
    ...createVerificationHandlers(deps),
    ...createEmergencySwitchHandlers(deps),
  };
}

/** What a person makes is theirs. */
async function makeOrganization(
  { organizations, signUp, creationOf, clock, ids }: OrganizationHandlersDeps,
  displayName: string,
  requestId: string,
  call: Call,
): Promise<Organization> {
  const { principal } = call.caller;
  if (principal.kind === "person") return signUp.found(displayName, requestId, call);
  const organization = { id: ids.next("org"), ...newParticipant(displayName, clock.now()) };
  return organizations.createOrganization(organization, creationOf(principal.id, requestId), call.commit());
}

type StateHandler = `${"disable" | "enable" | "delete"}${"Organization" | "Application"}`;

function stateHandlers({
  accesses,
  organizations,
  states,
}: {
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly states: StateChanges;
}): Pick<ServiceImpl<typeof OrganizationService>, StateHandler> {
  const organization =
    (rpc: (typeof method)["disableOrganization" | "enableOrganization" | "deleteOrganization"], to: State) =>
    (request: { organization: string; etag: string }, context: HandlerContext) =>
      accesses.logged(context, rpc, "", async (call) => ({
        organization: toOrganizationMessage(
          await states.organization(request.organization, request.etag, to, call),
        ),
      }));
  const application =
    (rpc: (typeof method)["disableApplication" | "enableApplication" | "deleteApplication"], to: State) =>
    (request: { application: string; etag: string }, context: HandlerContext) =>
      accesses.logged(context, rpc, "", async (call) => {
        await applicationFor(call.caller, organizations, request.application);
        const changed = await states.application(request.application, request.etag, to, call);
        return { application: toApplicationMessage(changed) };
      });
  return {
    disableOrganization: organization(method.disableOrganization, "disabled"),
    enableOrganization: organization(method.enableOrganization, "active"),
    deleteOrganization: organization(method.deleteOrganization, "deleted"),
    disableApplication: application(method.disableApplication, "disabled"),
    enableApplication: application(method.enableApplication, "active"),
    deleteApplication: application(method.deleteApplication, "deleted"),
  };
}

/** Throws `invalid` for a registration that is not safe. */
async function checkedClient(message: OAuthClientMessage, takesCertificates: boolean): Promise<OAuthClient> {
  const client = fromClientMessage(message);
  await checkClient(client, { takesCertificates });
  return client;
}

/** The result of an update: only the display name can change. */
function renaming(
  resource: string,
  fields: ReadonlySet<string>,
  asked: { readonly displayName: string } | undefined,
  clock: Clock,
): <T extends Organization>(current: T) => T {
  if (!fields.has("display_name")) return (current) => current;
  const displayName = asked?.displayName ?? "";
  if (displayName === "") throw invalidField(`${resource}.display_name`, "a name is needed");
  return (current) => renamed(current, displayName, clock.now());
}
