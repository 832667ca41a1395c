import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PagePath } from "./paths.ts";

export interface PageProps {
  /** What the path names: an organization, a code, an application. */
  readonly named: string;
}

type Page = ComponentType<PageProps>;

export interface Route {
  readonly pattern: RegExp;
  /** The entry of the menu that it belongs to. */
  readonly menu: PagePath;
  /** Its script is loaded when it is opened. */
  load(): Promise<Page>;
}

export type RouteOf = (path: PagePath) => Route & PageProps;

/** Of the first whose pattern the path has; `missing` where it has none's. A pattern's first group is what is named. */
export function createRoutes(all: readonly Route[], missing: Route): RouteOf {
  return (path) => {
    for (const route of all) {
      const match = route.pattern.exec(path);
      if (match !== null) return { ...route, named: match[1] ?? "" };
    }
    return { ...missing, named: "" };
  };
}

/**
 * The page of the path, once its script is there. After an upgrade the scripts of this document are gone from the server: it is `old`,
 * unless `reloads` loads it anew and says so.
 */
export function useRoutedPage(
  path: PagePath,
  routeOf: RouteOf,
  reloads: () => boolean = () => false,
): Page | "loading" | "old" {
  const [shown, setShown] = useState<{ readonly path: PagePath; readonly page: Page | "old" }>();
  useEffect(() => {
    let current = true;
    routeOf(path)
      .load()
      .then(
        (page) => current && setShown({ path, page }),
        () => current && !reloads() && setShown({ path, page: "old" }),
      );
    return () => {
      current = false;
    };
  }, [path]);
  return shown?.path === path ? shown.page : "loading";
}
