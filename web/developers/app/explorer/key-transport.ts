import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

const callMs = 20_000;

/** Calls with an API key, and without the session. The key is in memory alone, for as long as the page holds this. */
export function createKeyTransport(apiKey: string): Transport {
  const authorized: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${apiKey}`);
    return next(request);
  };
  return createConnectTransport({
    baseUrl: location.origin,
    defaultTimeoutMs: callMs,
    interceptors: [authorized],
    fetch: (input, init) => fetch(input, { ...init, credentials: "omit" }),
  });
}
