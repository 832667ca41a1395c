import { useEffect, useState } from "preact/hooks";

/** The path of a page without the base of its site: `` is the first page. */
export type PagePath = string;

/** How pages of a site lead to each other without loading anything. */
export interface Paths {
  hrefOf(path: PagePath): string;
  currentPath(): PagePath;
  goTo(path: PagePath): void;
  /** The path that is shown; links to the site's own pages lead to it. */
  usePath(): PagePath;
}

const moved = "wellapi-moved";

/** `base`: where the site is, `/me/`. */
export function createPaths(base: string): Paths {
  const hrefOf = (path: PagePath): string => `${base}${path}`;
  const currentPath = (): PagePath =>
    location.pathname.startsWith(base) ? location.pathname.slice(base.length) : "";

  function goTo(path: PagePath): void {
    if (path === currentPath()) return;
    history.pushState(null, "", hrefOf(path));
    dispatchEvent(new Event(moved));
  }

  /** A plain click on a link to one of the pages. Whoever wants it in another tab gets it there. */
  function follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || !link.pathname.startsWith(base)) return;
    if (link.search !== "" || link.hash !== "") return;
    event.preventDefault();
    goTo(link.pathname.slice(base.length));
  }

  function usePath(): PagePath {
    const [path, setPath] = useState(currentPath);
    useEffect(() => {
      const show = (): void => setPath(currentPath());
      addEventListener("popstate", show);
      addEventListener(moved, show);
      document.addEventListener("click", follow);
      return () => {
        removeEventListener("popstate", show);
        removeEventListener(moved, show);
        document.removeEventListener("click", follow);
      };
    }, []);
    return path;
  }

  return { hrefOf, currentPath, goTo, usePath };
}
