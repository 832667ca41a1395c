import type { Interceptor } from "@connectrpc/connect";
import { type Connection, connect } from "@wellapi/client";

/** What a person's browser is at the exchange: its cookies, and calls that say they come from the exchange's own pages. */
export interface Browser {
  /** Calls that act as this (`wellapi-acting-as`); unless given, as the person's own record. */
  as(actingAs?: string): Connection;
  /** Follows a redirect by hand: the answer's `location`. Throws where there is none. */
  visit(url: string): Promise<string>;
  /** Keeps the session that a sign-in gave. */
  signedIn(sessionSecret: string): void;
}

export function openBrowser(origin: string): Browser {
  const jar = new Map<string, string>();
  const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  return {
    as: (actingAs) => connect({ url: origin, interceptors: [fromOwnPage(cookies, actingAs)] }),
    async visit(url) {
      const answer = await fetch(url, { redirect: "manual", headers: { cookie: cookies(), ...navigation } });
      for (const cookie of answer.headers.getSetCookie()) {
        const [name = "", value = ""] = cookie.split(";", 1)[0]!.split(/=(.*)/s);
        if (value === "") jar.delete(name);
        else jar.set(name, value);
      }
      const location = answer.headers.get("location");
      if (location === null) {
        throw new Error(`${new URL(url).pathname} led nowhere (${answer.status}): ${await answer.text()}`);
      }
      return new URL(location, url).href;
    },
    signedIn(sessionSecret) {
      jar.set("__Host-wellapi", sessionSecret);
    },
  };
}

const navigation = { "sec-fetch-mode": "navigate", "sec-fetch-site": "none", accept: "text/html" };

function fromOwnPage(cookies: () => string, actingAs: string | undefined): Interceptor {
  return (next) => (request) => {
    const jar = cookies();
    if (jar !== "") request.header.set("cookie", jar);
    request.header.set("sec-fetch-site", "same-origin");
    if (actingAs !== undefined) request.header.set("wellapi-acting-as", actingAs);
    return next(request);
  };
}
