import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { Http2SessionManager } from "@connectrpc/connect-node";

type WriteCallback = (error?: Error | null) => void;

/**
 * Connect's connections, for servers that send GOAWAY (each that drains, and each whose connections age) and for
 * connections that no longer answer. It works around five faults of Connect 2.2.0 (docs/decisions/0015), and one of Node.
 *
 * 1. Its manager stops listening to a connection as soon as it needs another one. If that connection then emits an
 * error (the server sent GOAWAY, and a call came before the socket had closed), nothing handles it, which ends the
 * process.
 *
 * 2. A call in flight at that moment is refused unread, so any such call may be sent again. Node reports it
 * twice: as a cancelled write, which Connect takes for the call's end if it comes first, and as
 * refused.
 *
 * 3. Before the next call on a silent connection it sends a ping. The end of another call meanwhile cleared the ping's
 * timeout: on a connection that a firewall had dropped, the ping and every later call waited for ever.
 *
 * 4. If that connection dies during the ping, the waiting call opens another one, and so does a call that comes in
 * between: one of the two connections is dropped without a listener for its error, which ends the process, and its
 * call waits for ever. So one call at a time makes a connection ready, and the others wait for it.
 *
 * 5. A call that is refused before its message is sent (docs/decisions/0030) leaves the rest of the message in what Node counts as
 * the connection's memory. After 10 MB of those, Node refuses every answer on the connection, for ever.
 *
 * 6. A server or a proxy that resets a stream with NO_ERROR before any header ends it without an error: the call waited for ever.
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
    if (session) giveUpFull(stream, session);
    failUnanswered(stream);
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

/**
 * Ends the connection on which Node refuses answers (RST_STREAM with ENHANCE_YOUR_CALM before any header), so that the next
 * call makes a new one.
 */
function giveUpFull(stream: ClientHttp2Stream, session: ClientHttp2Session): void {
  let answered = false;
  stream.once("response", () => {
    answered = true;
  });
  stream.once("close", () => {
    if (!answered && stream.rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM) session.destroy();
  });
}

/** The error of a stream that ended without one and without an answer. */
function failUnanswered(stream: ClientHttp2Stream): void {
  let told = false;
  for (const event of ["response", "error"]) {
    stream.once(event, () => {
      told = true;
    });
  }
  stream.once("close", () => {
    if (!told && stream.rstCode === constants.NGHTTP2_NO_ERROR) {
      stream.emit("error", new ConnectError("the stream ended before its answer", Code.Unavailable));
    }
  });
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
