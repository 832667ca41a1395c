import { createPaths } from "@wellapi/ui/browser/paths";

/** Where the pages are. */
export const base = "/me/";

/** The paths of these pages: `` is the overview, `log` the log. */
export const { hrefOf, usePath } = createPaths(base);
