import { createPaths } from "@wellapi/ui/browser/paths";

/** The paths of these pages: `` is the list of applications, `usage` the usage. */
export const { hrefOf, goTo, usePath } = createPaths("/developers/");
