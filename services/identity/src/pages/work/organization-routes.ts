import type { HttpRequest, SurfaceContext } from "@wellapi/http";
import { addDeaths } from "../deaths/death-routes.ts";
import { addClinicianEmergency } from "../emergency/clinician-routes.ts";
import { organizationEntriesOf } from "../navigation.ts";
import type { Page } from "../page.ts";
import type { Reader } from "../record/reader.ts";
import type { App } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { addGuardians } from "./guardian-routes.ts";
import { teamOfOrganization } from "./team.ts";
import { addTeam } from "./team-routes.ts";

type Params = { readonly organization: string };

const organizationOf = (request: HttpRequest): string => (request.params as Params).organization;

/** Pages of an organization, for those who work there: members, guardians whose papers it has checked, deaths, emergency access. */
export function addOrganizations(app: App, context: SurfaceContext): void {
  const base = "/organizations/:organization";
  const pathOf = (name: string) => (request: HttpRequest) =>
    `/organizations/${encodeURIComponent(organizationOf(request))}/${name}`;
  addTeam(app, context, {
    route: `${base}/members`,
    pathOf: pathOf("members"),
    teamOf: (request) =>
      teamOfOrganization(context.as(request, organizationOf(request)), organizationOf(request)),
    about: (request, reader) => {
      const { name, roles, beside } = workplaceOf(request, reader);
      return { title: viewOf(request).words.work.membersTitle(name), beside, roles };
    },
  });
  addGuardians(app, context, {
    path: `${base}/guardians`,
    pathOf: pathOf("guardians"),
    actingAs: organizationOf,
    lifts: false,
    beside: (request, reader) => workplaceOf(request, reader).beside,
  });
  addDeaths(app, context, {
    path: `${base}/deaths`,
    pathOf: pathOf("deaths"),
    actingAs: organizationOf,
    decides: false,
    beside: (request, reader) => workplaceOf(request, reader).beside,
  });
  addClinicianEmergency(app, context, {
    route: `${base}/emergency`,
    pathOf: pathOf("emergency"),
    organizationOf,
    about: workplaceOf,
  });
}

function workplaceOf(
  request: HttpRequest,
  { workplaces }: Reader,
): { readonly name: string; readonly roles: readonly string[]; readonly beside: Page["beside"] } {
  const id = organizationOf(request);
  const { name = "", roles = [] } = workplaces.find((one) => one.id === id) ?? {};
  return { name, roles, beside: { label: name, entries: organizationEntriesOf(id, roles) } };
}
