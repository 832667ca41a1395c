import { request } from "node:https";

/** A TLS client's certificate and key, PEM, and the authority that it trusts; none: it shows no certificate. */
export interface TlsIdentity {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** `fetch` of a program that shows a certificate: the platform's own takes none. Plain http goes out as it is. */
export function certifiedFetch(tls: TlsIdentity): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol === "http:") return fetch(input, init);
    const headers = Object.fromEntries(new Headers(init.headers));
    const method = init.method ?? "GET";
    const body = init.body === undefined || init.body === null ? undefined : String(init.body);
    return new Promise<Response>((resolve, reject) => {
      const outgoing = request(url, { ...tls, method, headers, agent: false }, async (answer) => {
        const bytes = Buffer.concat(await answer.toArray());
        const told = new Headers();
        for (const [name, value] of Object.entries(answer.headers))
          for (const one of [value].flat()) if (one !== undefined) told.append(name, one);
        const status = answer.statusCode!;
        resolve(new Response(status === 204 || bytes.length === 0 ? null : bytes, { status, headers: told }));
      });
      outgoing.once("error", reject);
      outgoing.end(body);
    });
  };
}
