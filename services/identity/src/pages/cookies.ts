import { cookieIn, type HttpRequest, pageCookies } from "@wellapi/http";

/** Each is sent to our own origin alone, over TLS (or to this machine), and but for the zone no script reads it. */
const cookieNames = {
  /** The session's secret. The doors read it, too. */
  session: "__Host-wellapi",
  /** Of what was begun and has not ended: a sign-in, a registration, a confirmation. */
  flow: "__Host-wellapi-flow",
  /** The interaction that a device's code opened. */
  device: "__Host-wellapi-device",
  /** The code of an invitation, until it is accepted. */
  invitation: "__Host-wellapi-invitation",
  ...pageCookies,
  /** The reader's time zone. The pages' script sets it (pages.js of @wellapi/ui). */
  zone: "__Host-wellapi-zone",
} as const;

export type CookieName = keyof typeof cookieNames;

/**
 * `Lax` for the session, because an application's link to the authorization page has to find its reader signed in; a form of
 * another site brings no `Lax` cookie along, and the doors ask `sec-fetch-site` besides. The others are `Strict`.
 */
export function setCookie(name: CookieName, value: string, maxAgeSeconds?: number): string {
  const sameSite = name === "session" ? "Lax" : "Strict";
  const age = maxAgeSeconds === undefined ? "" : `; Max-Age=${maxAgeSeconds}`;
  return `${cookieNames[name]}=${value}; Path=/; Secure; HttpOnly; SameSite=${sameSite}${age}`;
}

export function dropCookie(name: CookieName): string {
  return setCookie(name, "", 0);
}

/** The cookie of this name; undefined where there is none, or more than one: then one of them is not ours. */
export function cookieOf(request: HttpRequest, name: CookieName): string | undefined {
  return namedCookie(request, cookieNames[name]);
}

export function namedCookie(request: HttpRequest, name: string): string | undefined {
  return cookieIn(request.headers.cookie, name);
}
