import type { Surface } from "@wellapi/http";
import { pagesSurface } from "../routes.ts";

/** Pages for those who are not signed in: their calls are nobody's, whatever cookie their browser sends. */
export const signInSurface: Surface = pagesSurface({
  name: "sign-in",
  paths: ["/sign-in", "/sign-in/", "/register", "/register/", "/recovery/", "/invitations", "/mailbox"],
  credential: "body",
  async mount(app, context) {
    const { addSignInPages } = await import("./sign-in-routes.ts");
    addSignInPages(app, context);
  },
});
