import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { Http2SessionManager } from "@connectrpc/connect-node";

type WriteCallback = (error?: Error | null) => void;

/**
 * Connect's connections, for servers that say GOAWAY: each that drains, and each whose connections age. Two things of
 * Connect 2.2.0 are mended here (docs/decisions/0015).
 *
 * Its manager stops listening to a connection as soon as it needs another one. A connection that still has an error to
 * tell (the server said GOAWAY, and a call came before the socket had closed) would tell nobody then, which ends the
 * process.
 *
 * A call that was on its way at that moment is refused unread, and may be sent again, whatever it does. Node tells of it
 * twice: that the write was cancelled, which Connect takes for the call's end where it comes first, and that it was
 * refused.
 */
class GuardedSessions extends Http2SessionManager {
  readonly #guarded = new WeakSet<ClientHttp2Session>();

  override async request(...call: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...call);
    const { session } = stream;
    if (session && !this.#guarded.has(session as ClientHttp2Session)) {
      this.#guarded.add(session as ClientHttp2Session);
      session.on("error", () => {}); // its calls have been told
    }
    return endToldFirst(stream);
  }
}

/** The same stream; what became of a write is told after why the stream ended. */
function endToldFirst(stream: ClientHttp2Stream): ClientHttp2Stream {
  let over = false;
  stream.once("close", () => {
    over = true;
  });
  const write = stream.write.bind(stream) as (
    chunk: Uint8Array,
    encoding: BufferEncoding,
    done: WriteCallback,
  ) => boolean;
  return Object.assign(stream, {
    write: (chunk: Uint8Array, encoding: BufferEncoding, done: WriteCallback): boolean =>
      write(chunk, encoding, (error) => {
        if (error && !over) stream.once("close", () => done(error));
        else done(error);
      }),
  });
}

export function createSessions(
  ...options: ConstructorParameters<typeof Http2SessionManager>
): Http2SessionManager {
  return new GuardedSessions(...options);
}
