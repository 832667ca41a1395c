import type { Surface } from "@wellapi/http";
import { addAuthorization } from "../authorize/authorize-routes.ts";
import { addInvitationOffer } from "../invitations/invitation-routes.ts";
import { addPermissions } from "../permissions/permission-routes.ts";
import { pagesSurface } from "../routes.ts";
import { addAccount } from "./account-routes.ts";
import { addStepUp } from "./step-up-routes.ts";
import { addWaysIn } from "./ways-in-routes.ts";

/** Pages for who is signed in: their calls are made by the session that their browser shows. */
export const accountSurface: Surface = pagesSurface({
  name: "account",
  paths: [
    "/account",
    "/account/",
    "/step-up",
    "/step-up/",
    "/authorize/",
    "/device",
    "/device/",
    "/invitations/",
  ],
  credential: "header",
  mount(app, context) {
    addAccount(app, context);
    addWaysIn(app, context);
    addStepUp(app, context);
    addAuthorization(app, context);
    addInvitationOffer(app, context);
    addPermissions(app, context);
  },
});
