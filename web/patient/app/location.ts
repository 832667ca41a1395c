import { useEffect, useState } from "preact/hooks";

/** Where the pages are. */
export const base = "/me/";

/** The path without the base: `` is the overview, `log` the log. */
export type PagePath = string;

const moved = "wellapi-moved";

export function hrefOf(path: PagePath): string {
  return `${base}${path}`;
}

export function currentPath(): PagePath {
  return location.pathname.startsWith(base) ? location.pathname.slice(base.length) : "";
}

export function goTo(path: PagePath): void {
  if (path === currentPath()) return;
  history.pushState(null, "", hrefOf(path));
  dispatchEvent(new Event(moved));
}

/** The path that is shown; links to our own pages lead to it without loading anything. */
export function usePath(): PagePath {
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
