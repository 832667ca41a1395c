import type { Http2Session } from "node:http2";

export interface KeepAlive {
  /** After this long without a ping another one is sent. */
  readonly everyMs: number;
  /** A ping without an answer for this long ends the connection. */
  readonly timeoutMs: number;
}

const kept = new WeakSet<Http2Session>();

/**
 * Ends the connection when its peer no longer answers pings. It replaces grpc-js's keepalive: Node sends no ping
 * on a session that takes no new streams (after GOAWAY), and grpc-js 1.14.7 takes the failed ping for a lost connection. It
 * then cuts the open streams, for which an aged or draining connection is kept. On such a
 * connection TCP's keepalive, set by the owner of the socket, detects a lost peer.
 */
export function keepAlive(session: Http2Session, { everyMs, timeoutMs }: KeepAlive): void {
  if (kept.has(session)) return;
  kept.add(session);
  let timer: NodeJS.Timeout;
  const ping = (): void => {
    if (session.closed || session.destroyed) return;
    timer = setTimeout(() => session.destroy(), timeoutMs).unref();
    session.ping(() => {
      clearTimeout(timer);
      wait();
    });
  };
  const wait = (): void => {
    if (!session.destroyed) timer = setTimeout(ping, everyMs).unref();
  };
  session.once("close", () => clearTimeout(timer));
  wait();
}
