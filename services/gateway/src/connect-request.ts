import type { TLSSocket } from "node:tls";
import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { type HttpRequest, httpCallOf } from "@wellapi/http";
import { outsideValues, requestIdKey } from "@wellapi/rpc";

/**
 * The request as Connect's handlers take it. As `universalRequestFromNodeRequest` of connect-node, which takes a fiftieth of an
 * RPC's time: it makes a generator for a body that others read here, parses the URL that Connect parses again, and ends each request
 * with a new DOMException.
 *
 * @param signal aborts when the request is over
 * @throws ConnectError where the request names no host
 */
export function connectRequest(
  { raw }: HttpRequest,
  call: {
    readonly body: AsyncIterable<Uint8Array>;
    readonly signal: AbortSignal;
    readonly values: ContextValues;
  },
): UniversalServerRequest {
  const { host } = raw.headers;
  if (host === undefined) throw new ConnectError("the request names no host", Code.InvalidArgument);
  const { encrypted = false } = raw.socket as Partial<TLSSocket>;
  const origin = `${encrypted ? "https" : "http"}://${host}`;
  const target = raw.url ?? "/";
  return {
    httpVersion: raw.httpVersion,
    method: raw.method ?? "",
    // A proxy may be sent a whole URL (RFC 9112, 3.2.2).
    url: target.startsWith("/") ? origin + target : new URL(target, origin).href,
    header: headersOf(raw.headers),
    body: call.body,
    signal: call.signal,
    contextValues: call.values,
  };
}

/** What authentication reads of the request beside its headers. */
export function callValues(request: HttpRequest): ContextValues {
  const { callerAddress: address, clientCertificate: certificate, raw } = request;
  return outsideValues({ address, certificate, http: httpCallOf(raw) }).set(requestIdKey, request.id);
}

/** `set-cookie`, the only one that Node gives as a list, is no header of a request. */
export function headersOf(given: HttpRequest["raw"]["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "string") headers.append(name, value);
  }
  return headers;
}
