import { freePorts } from "@wellapi/runtime";
import { type Child, startServer } from "../../host/src/launcher/child.ts";
import { listens } from "../../host/src/launcher/listens.ts";
import type { Tool } from "../../scripts/tools.ts";

/** Stands on one way between two processes. */
export interface Passage {
  /** Connections stay as they are, and nothing passes any more, either way: what a lost network looks like. */
  swallow(): Promise<void>;
  /** As at the beginning. Connections that were swallowed end. */
  open(): Promise<void>;
}

export interface Toxiproxy {
  /** `listen` and `upstream` are `host:port`. */
  passage(name: string, listen: string, upstream: string): Promise<Passage>;
  close(): Promise<void>;
}

/** A toxiproxy of one's own on loopback. */
export async function openToxiproxy(tool: Tool): Promise<Toxiproxy> {
  const [port] = (await freePorts(1)) as [number];
  const child: Child = startServer({
    name: "toxiproxy",
    command: tool.command,
    args: [...tool.args, "-host", "127.0.0.1", "-port", String(port)],
    stderr: "ignore",
  });
  await listens(child, port, "its port may have been taken meanwhile");

  async function call(method: string, path: string, body?: object): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy: ${method} ${path}: ${text}`);
    return text;
  }

  return {
    async passage(name, listen, upstream) {
      const path = `/proxies/${encodeURIComponent(name)}`;
      await call("POST", "/proxies", { name, listen, upstream, enabled: true });
      const ways = ["upstream", "downstream"] as const;
      let swallowing = false;
      return {
        async swallow() {
          swallowing = true;
          for (const stream of ways) {
            const toxic = { name: stream, type: "timeout", stream, attributes: { timeout: 0 } };
            await call("POST", `${path}/toxics`, toxic);
          }
        },
        async open() {
          if (swallowing) for (const stream of ways) await call("DELETE", `${path}/toxics/${stream}`);
          // Dropped bytes are lost for good: no real network lets such a connection continue.
          if (swallowing) await call("POST", path, { enabled: false });
          swallowing = false;
          await call("POST", path, { enabled: true });
        },
      };
    },
    close: () => child.stop(5_000),
  };
}
