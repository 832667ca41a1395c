import type { Interceptor } from "@connectrpc/connect";
import { type Connection, connect } from "@wellapi/client";

/** A person's browser, without pages: its cookies, and redirects that are followed by hand. */
export interface Browser {
  /** By name. */
  readonly jar: ReadonlyMap<string, { readonly value: string; readonly path: string }>;
  /** The address that the answer sends it to. Throws, with status and text, where the answer sends it nowhere. */
  get(url: string | URL): Promise<URL>;
}

/** A browser at the exchange, whose calls say that they come from the exchange's own pages. */
export interface PersonsBrowser extends Browser {
  /** Calls that act as this (`wellapi-acting-as`); unless given, as the person's own record. */
  as(actingAs?: string): Connection;
  /** Keeps the session that a sign-in gave. */
  signedIn(sessionSecret: string): void;
}

export function createBrowser() {
  const jar = new Map<string, { readonly value: string; readonly path: string }>();
  const cookiesFor = (path: string): string =>
    [...jar]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
  return {
    jar,
    cookiesFor,
    async get(url: string | URL): Promise<URL> {
      const at = new URL(url);
      const headers = { cookie: cookiesFor(at.pathname) };
      const response = await fetch(at, { redirect: "manual", headers });
      for (const text of response.headers.getSetCookie()) {
        const [pair = "", ...attributes] = text.split("; ");
        const name = pair.slice(0, pair.indexOf("="));
        const path = attributes.find((one) => one.startsWith("path="))?.slice(5) ?? "/";
        jar.set(name, { value: pair.slice(name.length + 1), path });
      }
      const location = response.headers.get("location");
      if (location === null) throw new Error(`${response.status} ${await response.text()}`);
      return new URL(location, at);
    },
  };
}

export function openBrowser(origin: string): PersonsBrowser {
  const { jar, get, cookiesFor } = createBrowser();
  return {
    jar,
    get,
    as: (actingAs) => connect({ url: origin, interceptors: [fromOwnPage(() => cookiesFor("/"), actingAs)] }),
    signedIn(sessionSecret) {
      jar.set("__Host-wellapi", { value: sessionSecret, path: "/" });
    },
  };
}

function fromOwnPage(cookies: () => string, actingAs: string | undefined): Interceptor {
  return (next) => (request) => {
    const jar = cookies();
    if (jar !== "") request.header.set("cookie", jar);
    request.header.set("sec-fetch-site", "same-origin");
    if (actingAs !== undefined) request.header.set("wellapi-acting-as", actingAs);
    return next(request);
  };
}
