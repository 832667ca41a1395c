import type { PagePath } from "@wellapi/ui/browser/paths";
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { usePlace } from "./context.ts";
import { Loading, Notice } from "./parts/notice.tsx";

export interface PageProps {
  /** What the path names: an application, an endpoint. */
  readonly named: string;
}

type Page = ComponentType<PageProps>;

interface Route {
  readonly pattern: RegExp;
  /** The entry of the menu that it belongs to. */
  readonly menu: PagePath;
  /** Its script is loaded when it is opened. */
  load(): Promise<Page>;
}

const routes: readonly Route[] = [
  { pattern: /^$/, menu: "", load: async () => (await import("./pages/applications.tsx")).Applications },
  {
    pattern: /^applications\/([\w-]{1,64})$/,
    menu: "",
    load: async () => (await import("./pages/application.tsx")).ApplicationPage,
  },
  { pattern: /^usage$/, menu: "usage", load: async () => (await import("./pages/usage.tsx")).UsagePage },
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
];

const missing: Route = {
  pattern: /^/,
  menu: "none",
  load: async () => (await import("./pages/missing.tsx")).Missing,
};

export function routeOf(path: PagePath): Route & { readonly named: string } {
  for (const route of routes) {
    const match = route.pattern.exec(path);
    if (match !== null) return { ...route, named: match[1] ?? "" };
  }
  return { ...missing, named: "" };
}

/** The page of the path, once its script is there. */
export function RoutedPage({ path }: { readonly path: PagePath }) {
  const { words } = usePlace();
  const [shown, setShown] = useState<{ readonly path: PagePath; readonly page: Page | "old" }>();
  useEffect(() => {
    let current = true;
    routeOf(path)
      .load()
      .then(
        (page) => current && setShown({ path, page }),
        () => current && setShown({ path, page: "old" }),
      );
    return () => {
      current = false;
    };
  }, [path]);
  if (shown === undefined || shown.path !== path) return <Loading />;
  if (shown.page === "old") {
    // After an upgrade the scripts of this document are gone from the server.
    return (
      <Notice kind="warning">
        <p>{words.common.oldPage}</p>
        <button type="button" class="button second" onClick={() => location.reload()}>
          {words.common.load}
        </button>
      </Notice>
    );
  }
  const { page: Shown } = shown;
  return <Shown key={path} named={routeOf(path).named} />;
}
