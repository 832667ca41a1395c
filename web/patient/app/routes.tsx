import type { PagePath } from "@wellapi/ui/browser/paths";
import { createRoutes, type Route, useRoutedPage } from "@wellapi/ui/browser/routes";
import { usePlace } from "./context.ts";
import { Loading, Notice } from "./parts/notice.tsx";

const routes: readonly Route[] = [
  { pattern: /^$/, menu: "", load: async () => (await import("./pages/home.tsx")).Home },
  {
    pattern: /^organizations\/([\w-]{1,64})$/,
    menu: "",
    load: async () => (await import("./pages/organization.tsx")).Organization,
  },
  {
    pattern: /^requests\/([\w-]{1,64})$/,
    menu: "",
    load: async () => (await import("./pages/request.tsx")).Request,
  },
  { pattern: /^data$/, menu: "data", load: async () => (await import("./pages/data.tsx")).Data },
  {
    pattern: /^data\/([\w-]{1,64})$/,
    menu: "data",
    load: async () => (await import("./pages/data-kind.tsx")).DataKind,
  },
  { pattern: /^log$/, menu: "log", load: async () => (await import("./pages/log.tsx")).Log },
  {
    pattern: /^notices$/,
    menu: "notices",
    load: async () => (await import("./pages/notices.tsx")).Notices,
  },
  {
    pattern: /^downloads$/,
    menu: "downloads",
    load: async () => (await import("./pages/downloads.tsx")).Downloads,
  },
  {
    pattern: /^settings$/,
    menu: "settings",
    load: async () => (await import("./pages/settings.tsx")).Settings,
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
  const Shown = useRoutedPage(path, routeOf, reloadOnce);
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

const reloadedFor = "wellapi-reloaded";

/**
 * After an upgrade the scripts of this document are gone from the server: the page is loaded again, once for each build, so that it
 * never goes round in a circle. Returns whether it is.
 */
function reloadOnce(): boolean {
  // Without a network it would lose what is shown.
  if (!navigator.onLine) return false;
  const build = document.querySelector<HTMLMetaElement>('meta[name="wellapi-build"]')?.content ?? "";
  if (sessionStorage.getItem(reloadedFor) === build) return false;
  sessionStorage.setItem(reloadedFor, build);
  location.reload();
  return true;
}
