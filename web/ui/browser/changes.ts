/** Tells the open pages of this browser that something has changed: no data, only that there is something to ask for. */

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("wellapi-me") : undefined;
const here = new EventTarget();

/** After a change that was made on this page. */
export function tellChange(): void {
  here.dispatchEvent(new Event("change"));
  channel?.postMessage("change");
}

/** A reader who comes back within this time sees what was there. */
const restMs = 15_000;

/**
 * Calls on a change, here or in another tab, and when the reader comes back to the page after a while. Never by itself: a page that
 * nobody looks at must not keep a session alive. Returns how to stop.
 */
export function onChange(call: () => void): () => void {
  let left = Date.now();
  const seen = (): void => {
    if (document.visibilityState === "hidden") left = Date.now();
    else if (Date.now() - left > restMs) call();
  };
  const restored = (event: PageTransitionEvent): void => {
    if (event.persisted) call();
  };
  here.addEventListener("change", call);
  channel?.addEventListener("message", call);
  document.addEventListener("visibilitychange", seen);
  addEventListener("pageshow", restored);
  return () => {
    here.removeEventListener("change", call);
    channel?.removeEventListener("message", call);
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("pageshow", restored);
  };
}
