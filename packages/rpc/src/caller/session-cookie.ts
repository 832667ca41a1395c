import { cookieIn } from "./cookie.ts";

/** The cookie of a signed-in person's session. Browsers take it over TLS and from this host alone, for all of its paths. */
export const sessionCookieName = "__Host-wellapi";

/** Whom the person acts as in this call (docs/decisions/0039-people-and-programs.md). No credential. */
export const actingAsHeader = "wellapi-acting-as";

/** Browsers say by it which page makes a request (Fetch Metadata); no page can change it. */
export const fetchSiteHeader = "sec-fetch-site";

const shape = /^wellapi_ss_[A-Za-z0-9_-]{1,200}$/;

/** The session's secret in the header; undefined without one, or with several. */
export function sessionIn(header: string | null | undefined): string | undefined {
  const value = cookieIn(header, sessionCookieName);
  return value !== undefined && shape.test(value) ? value : undefined;
}

/**
 * The session of a call, where the browser says that our own page makes it. From any other page the cookie is not looked at:
 * a browser adds it to requests that its user did not mean.
 */
export function sessionOf(
  header: Headers,
): { readonly secret: string; readonly actingAs: string } | undefined {
  if (header.get(fetchSiteHeader) !== "same-origin") return undefined;
  const secret = sessionIn(header.get("cookie"));
  return secret === undefined ? undefined : { secret, actingAs: header.get(actingAsHeader) ?? "" };
}
