import type { SurfaceContext } from "@wellapi/http";
import { addDeaths } from "../deaths/death-routes.ts";
import { goOn } from "../routes.ts";
import type { App } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { addGuardians } from "../work/guardian-routes.ts";
import { teamOfStaff } from "../work/team.ts";
import { addTeam } from "../work/team-routes.ts";
import { addEmergencies } from "./emergency-routes.ts";
import { organizationsPath } from "./organization-pages.ts";
import { addOrganizationChecks, officeBeside } from "./organization-routes.ts";

/** Pages of the installation's staff. */
export function addOffice(app: App, context: SurfaceContext): void {
  app.get("/office", async (_request, reply) => goOn(reply, organizationsPath));
  addOrganizationChecks(app, context);
  addEmergencies(app, context);
  const guardians = "/office/guardians";
  addGuardians(app, context, {
    path: guardians,
    pathOf: () => guardians,
    actingAs: () => "staff",
    lifts: true,
    beside: officeBeside,
  });
  const deaths = "/office/deaths";
  addDeaths(app, context, {
    path: deaths,
    pathOf: () => deaths,
    actingAs: () => "staff",
    decides: true,
    beside: officeBeside,
  });
  const staff = "/office/staff";
  addTeam(app, context, {
    route: staff,
    pathOf: () => staff,
    teamOf: (request) => teamOfStaff(context.as(request, "staff")),
    about: (request, reader) => ({
      title: viewOf(request).words.work.staffTitle,
      beside: officeBeside(request, reader),
      roles: reader.staff,
    }),
  });
}
