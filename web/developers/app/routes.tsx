import type { PagePath } from "@wellapi/ui/browser/paths";
import { createRoutes, type Route, useRoutedPage } from "@wellapi/ui/browser/routes";
import { usePlace } from "./context.ts";
import { Loading, Notice } from "./parts/notice.tsx";

const routes: readonly Route[] = [
  { pattern: /^$/, menu: "", load: async () => (await import("./pages/applications.tsx")).Applications },
  {
    pattern: /^applications\/([\w-]{1,64})$/,
    menu: "",
    load: async () => (await import("./pages/application.tsx")).ApplicationPage,
  },
  { pattern: /^usage$/, menu: "usage", load: async () => (await import("./pages/usage.tsx")).UsagePage },
  {
    pattern: /^requests$/,
    menu: "requests",
    load: async () => (await import("./pages/requests.tsx")).Requests,
  },
  {
    pattern: /^explorer$/,
    menu: "explorer",
    load: async () => (await import("./pages/explorer.tsx")).Explorer,
  },
  { pattern: /^log$/, menu: "log", load: async () => (await import("./pages/log.tsx")).Log },
  {
    pattern: /^webhooks$/,
    menu: "webhooks",
    load: async () => (await import("./pages/webhooks.tsx")).Webhooks,
  },
  {
    pattern: /^webhooks\/([\w-]{1,64})$/,
    menu: "webhooks",
    load: async () => (await import("./pages/webhook.tsx")).Webhook,
  },
  {
    pattern: /^test-patients$/,
    menu: "test-patients",
    load: async () => (await import("./pages/test-patients.tsx")).TestPatients,
  },
  {
    pattern: /^new-organization$/,
    menu: "none",
    load: async () => (await import("./pages/new-organization.tsx")).NewOrganization,
  },
];

const missing: Route = {
  pattern: /^/,
  menu: "none",
  load: async () => (await import("./pages/missing.tsx")).Missing,
};

export const routeOf = createRoutes(routes, missing);

/** The page of the path, once its script is there. */
export function RoutedPage({ path }: { readonly path: PagePath }) {
  const { words } = usePlace();
  const Shown = useRoutedPage(path, routeOf);
  if (Shown === "loading") return <Loading />;
  if (Shown === "old") {
    return (
      <Notice kind="warning">
        <p>{words.common.oldPage}</p>
        <button type="button" class="button second" onClick={() => location.reload()}>
          {words.common.load}
        </button>
      </Notice>
    );
  }
  return <Shown key={path} named={routeOf(path).named} />;
}
