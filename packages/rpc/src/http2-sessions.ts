import type { ClientHttp2Session } from "node:http2";
import { Http2SessionManager } from "@connectrpc/connect-node";

/**
 * Connect's connections, without an end that nobody catches. Its manager stops listening to a connection as soon as it
 * needs another one. A connection that still has an error to tell (the server said GOAWAY, and a call came before the
 * socket had closed) would tell nobody then, which ends the process.
 */
class GuardedSessions extends Http2SessionManager {
  readonly #guarded = new WeakSet<ClientHttp2Session>();

  override async request(...call: Parameters<Http2SessionManager["request"]>) {
    const stream = await super.request(...call);
    const { session } = stream;
    if (session && !this.#guarded.has(session as ClientHttp2Session)) {
      this.#guarded.add(session as ClientHttp2Session);
      session.on("error", () => {}); // its calls have been told
    }
    return stream;
  }
}

export function createSessions(
  ...options: ConstructorParameters<typeof Http2SessionManager>
): Http2SessionManager {
  return new GuardedSessions(...options);
}
