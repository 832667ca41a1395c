import type { SurfaceContext } from "@wellapi/http";
import { addApps } from "../apps/app-routes.ts";
import { addAuthorization } from "../authorize/authorize-routes.ts";
import { addClaim } from "../claim/claim-routes.ts";
import { addDownload } from "../download/download-routes.ts";
import { addEmergency } from "../emergency/emergency-routes.ts";
import { addGuardianships } from "../guardianships/guardianship-routes.ts";
import { addInvitationOffer } from "../invitations/invitation-routes.ts";
import { addOffice } from "../office/office-routes.ts";
import { addOverview } from "../overview/overview-routes.ts";
import { addPeople } from "../people/people-routes.ts";
import { addPermissions } from "../permissions/permission-routes.ts";
import { addRecordChoice } from "../record/record-routes.ts";
import type { App } from "../signed-in.ts";
import { addOrganizations } from "../work/organization-routes.ts";
import { addAccount } from "./account-routes.ts";
import { addStepUp } from "./step-up-routes.ts";
import { addWaysIn } from "./ways-in-routes.ts";

/** Every page for who is signed in. */
export function addSignedInPages(app: App, context: SurfaceContext): void {
  addOverview(app, context);
  addRecordChoice(app, context);
  addAccount(app, context);
  addWaysIn(app, context);
  addStepUp(app, context);
  addAuthorization(app, context);
  addInvitationOffer(app, context);
  addPermissions(app, context);
  addApps(app, context);
  addEmergency(app, context);
  addDownload(app, context);
  addPeople(app, context);
  addClaim(app, context);
  addGuardianships(app, context);
  addOrganizations(app, context);
  addOffice(app, context);
}
