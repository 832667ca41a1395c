import { once } from "node:events";
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";

/** One call of a client that writes its frames itself. */
export interface RawCall {
  readonly stream: ClientHttp2Stream;
  /** The headers and trailers of the answer, once it has ended. */
  readonly status: Promise<IncomingHttpHeaders>;
}

export interface RawTls {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

/** A connection to a gRPC server. Nothing is sent but what the test sends. */
export function connectRaw(port: number, tls?: RawTls) {
  const session = tls
    ? connect(`https://localhost:${port}`, { cert: tls.certificate, key: tls.privateKey, ca: tls.authority })
    : connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {}); // The server closes it at the end of a test.
  return {
    call(path: string, headers: Record<string, string> = {}): RawCall {
      const stream = session.request(
        {
          ":method": "POST",
          ":path": path,
          "content-type": "application/grpc",
          te: "trailers",
          ...headers,
        },
        { endStream: false },
      );
      stream.resume();
      return { stream, status: statusOf(stream) };
    },
    close: () => session.destroy(),
  };
}

async function statusOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const seen: IncomingHttpHeaders = {};
  stream.on("response", (headers) => Object.assign(seen, headers));
  stream.on("trailers", (headers) => Object.assign(seen, headers));
  await once(stream, "end"); // Not "close": a refused caller has not sent its end.
  return seen;
}

/** A length-prefixed message (gRPC over HTTP/2). */
export function frame(message: Uint8Array, { gzip = false } = {}): Buffer {
  const payload = gzip ? gzipSync(message) : Buffer.from(message);
  const head = Buffer.alloc(5);
  head.writeUInt8(gzip ? 1 : 0, 0);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}
