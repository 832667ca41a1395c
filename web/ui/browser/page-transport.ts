import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

const callMs = 20_000;

/** Whom the calls are made for (docs/decisions/0039-people-and-programs.md). The session is a cookie that no script reads. */
const actingAsHeader = "wellapi-acting-as";

/**
 * The exchange that the page came from. `actingAs`: the id of a patient or an organization, or `account`. `around`: what the site does
 * around each call.
 */
export function createPageTransport(actingAs: string, around: readonly Interceptor[] = []): Transport {
  const acting: Interceptor = (next) => (request) => {
    request.header.set(actingAsHeader, actingAs);
    return next(request);
  };
  return createConnectTransport({
    baseUrl: location.origin,
    useBinaryFormat: true,
    defaultTimeoutMs: callMs,
    interceptors: [...around, acting, signingIn],
  });
}

/** The exchange, called with a bearer token or an API key instead of the reader's session: two credentials at once are refused. */
export function createBearerTransport(token: string): Transport {
  const bearing: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createConnectTransport({
    baseUrl: location.origin,
    useBinaryFormat: true,
    defaultTimeoutMs: callMs,
    interceptors: [bearing],
    fetch: (input, init) => fetch(input, { ...init, credentials: "omit" }),
  });
}

/** Where the session has ended, the browser goes to where its reader signs in, and comes back. */
const signingIn: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unauthenticated) throw error;
    location.assign(`/sign-in?continue=${encodeURIComponent(location.pathname)}`);
    return new Promise(() => {});
  }
};
