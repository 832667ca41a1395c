/** toxiproxy between two processes: each link is a separate proxy. */

/** `provider>gateway`, `records>mongo`: who calls, and whom. */
export type Link = `${string}>${string}`;

/** https://github.com/Shopify/toxiproxy#toxics */
export interface Toxic {
  readonly type: "latency" | "bandwidth" | "timeout" | "reset_peer" | "limit_data" | "slicer";
  readonly stream: "upstream" | "downstream";
  readonly attributes: Readonly<Record<string, number>>;
  /** Share of the connections that it is put on; 1 unless given. */
  readonly toxicity?: number;
}

export interface Links {
  /** The address at which a caller finds the called one; made at the first call. */
  through(link: Link, upstream: string): Promise<string>;
  /** Those of one caller, of one called, or one alone, that exist. */
  of(pattern: { readonly from?: string; readonly to?: string }): readonly Link[];
  /** On new connections and on those that are open. */
  poison(links: readonly Link[], toxics: readonly Toxic[]): Promise<void>;
  /** Ends every connection and takes no new one. */
  cut(links: readonly Link[]): Promise<void>;
  /** All links let everything through again. */
  mend(): Promise<void>;
}

interface Proxy {
  readonly listen: string;
}

export function createLinks(port: number): Links {
  const known = new Map<Link, Promise<string>>();

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy: ${method} ${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  async function open(link: Link, upstream: string): Promise<string> {
    const made = await call("POST", "/proxies", {
      name: link,
      listen: "127.0.0.1:0",
      upstream,
      enabled: true,
    });
    return (made as Proxy).listen;
  }
  const at = (link: Link) => `/proxies/${encodeURIComponent(link)}`;

  return {
    through(link, upstream) {
      const address = known.get(link) ?? open(link, upstream);
      known.set(link, address);
      return address;
    },
    of: ({ from, to }) =>
      [...known.keys()].filter((link) => {
        const [caller, called] = link.split(">");
        return (from === undefined || caller === from) && (to === undefined || called === to);
      }),
    async poison(links, toxics) {
      for (const link of links)
        for (const { toxicity = 1, ...toxic } of toxics)
          await call("POST", `${at(link)}/toxics`, { ...toxic, toxicity });
    },
    async cut(links) {
      await Promise.all(links.map((link) => call("POST", at(link), { enabled: false })));
    },
    async mend() {
      await call("POST", "/reset");
    },
  };
}
