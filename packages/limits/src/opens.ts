import type { Server, Socket } from "node:net";
import { createBoundedCache, type Logger } from "@wellapi/runtime";
import { addressGroup } from "./address-group.ts";
import { createMemoryCounters } from "./memory-counters.ts";
import { windowSeconds } from "./rates.ts";

/** What addresses may open, in connections a window, whoever they are: a handshake comes before any credential. */
export interface Opens {
  /** Counts a connection. Resets it, before its first byte is read, where its address has opened too many in the window. */
  enter(socket: Socket): void;
  /** Weighs something else of an address like so many connections. */
  weigh(address: string, connections: number): void;
}

/** For one process: replicas count by themselves. */
export function createOpens({ perWindow, log }: { readonly perWindow: number; readonly log: Logger }): Opens {
  const counters = createMemoryCounters({ windowSeconds });
  const told = createBoundedCache<{ readonly until: number }>({ name: "refused-opens", capacity: 10_000 });

  /** One line a window and address. */
  function tell(group: string, address: string, resetMs: number): void {
    const now = performance.now();
    if ((told.get(group)?.until ?? 0) > now) return;
    told.set(group, { until: now + resetMs });
    log.warn(
      { limit: perWindow, caller_address: address, retry_after_ms: Math.ceil(resetMs) },
      "an address opened too many connections, or sent too much that is no call: it is refused until the window ends; if it is a proxy's, set WELLAPI_TRUSTED_PROXIES",
    );
  }

  return {
    enter(socket) {
      const { remoteAddress: address = "" } = socket;
      const group = addressGroup(address);
      if (group === undefined) return; // It has left already.
      void counters.take(group, 1, perWindow).then(({ allowed, resetMs }) => {
        if (allowed) return;
        tell(group, address, resetMs);
        socket.resetAndDestroy();
      });
    },
    weigh(address, connections) {
      const group = addressGroup(address);
      if (group !== undefined) void counters.add(group, connections, perWindow);
    },
  };
}

/** Clients of HTTP/2 open few connections; a handshake with a certificate costs about a millisecond. */
const usualOpens = 1_000;

/** Bounds what addresses open at a server whose callers come without a proxy between. */
export function boundOpens(server: Server, { log, perWindow = usualOpens }: BoundOpensOptions): Opens {
  const opens = createOpens({ perWindow, log });
  server.prependListener("connection", (socket: Socket) => opens.enter(socket));
  return opens;
}

export interface BoundOpensOptions {
  readonly log: Logger;
  /** 1,000 in ten seconds unless given. */
  readonly perWindow?: number;
}
