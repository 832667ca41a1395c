import type { IncomingHttpHeaders } from "node:http";
import { actingAsHeader, dpopHeader, fetchSiteHeader, requestIdHeader } from "@wellapi/rpc";
import type { SurfaceDeclaration } from "./surface.ts";

/** The caller's address, from the gateway to the process that serves a surface. Nobody else may set it. */
export const callerAddressHeader = "wellapi-caller-address";

/** Headers in which callers from outside present credentials. */
export const credentialHeaders: readonly string[] = ["authorization", "cookie", dpopHeader, "x-api-key"];

/**
 * Request headers that every surface gets. An allow-list: a header that names an internal identity
 * (`x-forwarded-client-cert`), a route, or a hop never gets in, even if it is invented later.
 */
const kept: readonly string[] = [
  ...credentialHeaders,
  actingAsHeader,
  requestIdHeader,
  "accept",
  "accept-encoding",
  "accept-language",
  "content-encoding",
  "content-length",
  "content-type",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-unmodified-since",
  "origin",
  "range",
  "sec-fetch-dest",
  "sec-fetch-mode",
  fetchSiteHeader,
  // A header of the connection, but it announces a body.
  "transfer-encoding",
  "user-agent",
];

/** The headers that the surface gets. The same in one process and behind the gateway's process. */
export function keptHeaders(surface: SurfaceDeclaration, headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const names = new Set([...kept, ...(surface.requestHeaders ?? [])]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.has(name)));
}

/** Headers of one connection, which are not forwarded (RFC 9110, 7.6.1). */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** An answer's headers without those of its connection, which include those that `connection` names. */
export function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set(
    (headers.connection ?? "")
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !named.has(name) && name !== "date"),
  );
}
