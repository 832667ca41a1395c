import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { Http2SessionManager } from "@connectrpc/connect-node";

type WriteCallback = (error?: Error | null) => void;

/**
 * Connect's connections, for servers that say GOAWAY: each that drains, and each whose connections age; and for
 * connections that nobody answers any more. Four things of Connect 2.2.0 are mended here (docs/decisions/0015).
 *
 * Its manager stops listening to a connection as soon as it needs another one. A connection that still has an error to
 * tell (the server said GOAWAY, and a call came before the socket had closed) would tell nobody then, which ends the
 * process.
 *
 * A call that was on its way at that moment is refused unread, and may be sent again, whatever it does. Node tells of it
 * twice: that the write was cancelled, which Connect takes for the call's end where it comes first, and that it was
 * refused.
 *
 * A connection that was silent is asked by a ping before the next call. The end of another call meanwhile made it forget
 * for how long to wait: a connection that a firewall forgot was asked for ever then, and every later call waited with it.
 *
 * Where that connection dies while it is asked, the call that asked makes another one, and so does a call that comes in
 * between: one of the two connections is dropped with nobody to hear of its error, which ends the process, and the call
 * that waits for it waits for ever. So one call at a time gets a connection ready, and the others wait with it.
 */
class GuardedSessions extends Http2SessionManager {
  readonly #guarded = new WeakSet<ClientHttp2Session>();
  readonly #silenceMs: number;
  #current: ClientHttp2Session | undefined;
  #connecting: ReturnType<Http2SessionManager["connect"]> | undefined;

  constructor(...[url, pings, options]: ConstructorParameters<typeof Http2SessionManager>) {
    super(url, pings, options);
    this.#silenceMs = (pings?.pingTimeoutMs ?? 15_000) + 250;
  }

  override connect(): ReturnType<Http2SessionManager["connect"]> {
    return this.#withinSilence(this.#ready());
  }

  override async request(...call: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await this.#withinSilence(this.#requestWhenReady(call));
    const session = stream.session as ClientHttp2Session | undefined;
    this.#current = session;
    if (session && !this.#guarded.has(session)) {
      this.#guarded.add(session);
      session.on("error", () => {}); // Its calls have failed already.
    }
    return endToldFirst(stream);
  }

  #ready(): ReturnType<Http2SessionManager["connect"]> {
    this.#connecting ??= super.connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #requestWhenReady(call: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    if ((await this.#ready()) === "error") {
      throw this.error() ?? new ConnectError("the connection failed", Code.Unavailable);
    }
    return super.request(...call);
  }

  /** Gives up a connection that neither answers nor fails for longer than a ping may take; other connections stay. */
  async #withinSilence<T>(ready: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      const reason = new ConnectError("the connection does not answer", Code.Unavailable);
      const current = this.#current;
      if (current === undefined || current.destroyed) this.abort(reason);
      // While another is being made, this one is draining, and its streams go on.
      else if (this.state() === "verifying") current.destroy(reason, constants.NGHTTP2_CANCEL);
    }, this.#silenceMs);
    try {
      return await ready;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The same stream; the result of a write is reported after the reason why the stream ended. */
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
