import type { Http2Session } from "node:http2";

export interface KeepAlive {
  /** After this long without a ping another one is sent. */
  readonly everyMs: number;
  /** A ping without an answer for this long ends the connection. */
  readonly timeoutMs: number;
}

const kept = new WeakSet<Http2Session>();

/**
 * Ends the connection when its other end no longer answers pings. In place of grpc-js's own keepalive: Node sends no ping on
 * a session that takes no new streams (after GOAWAY), and grpc-js 1.14.7 takes the failed ping for a lost connection. It
 * then cuts the streams that go on there, which are what an aged or draining connection is kept for. On such a
 * connection TCP's keepalive looks after the other end, set by whoever has the socket.
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
