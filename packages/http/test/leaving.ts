import { once } from "node:events";
import { connect } from "node:net";

/** Holds whoever comes until they are let go. */
export interface Gate {
  /** Resolves when somebody waits. */
  readonly reached: Promise<void>;
  open(): void;
  pass(): Promise<void>;
}

export function createGate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: opened.resolve,
    pass() {
      reached.resolve();
      return opened.promise;
    },
  };
}

/**
 * Sends a request whose caller leaves while it waits at the gate, which it opens when the server knows that the caller has left: it has
 * answered a request that came after that.
 */
export async function leaveAt(gate: Gate, url: string, request: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), "localhost");
  socket.on("error", () => {});
  socket.write(request);
  await gate.reached;
  socket.resetAndDestroy();
  await once(socket, "close");
  await (await fetch(`${url}/healthz`)).body?.cancel();
  gate.open();
}
