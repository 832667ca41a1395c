import type { Surface } from "@wellapi/http";
import { pagesSurface } from "../routes.ts";

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
    "/organizations/",
    "/office",
    "/office/",
  ],
  credential: "header",
  async mount(app, context) {
    const { addSignedInPages } = await import("./signed-in-pages.ts");
    addSignedInPages(app, context);
  },
});
