import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { Code, type ConnectError } from "@connectrpc/connect";

/** The part of Node's socket that it keeps private: its handle, and under TLS the socket below. */
interface Inner {
  readonly _handle?: {
    /** Bytes that wait for the handle below; of a connection's own handle, those that the kernel did not take. */
    readonly writeQueueSize?: number;
    readonly _parentWrap?: Socket;
  } | null;
}

const handleOf = (socket: Socket) => (socket as unknown as Inner)._handle;

/** The socket of the TCP connection. */
function connectionOf(socket: Socket): Socket {
  const below = handleOf(socket)?._parentWrap;
  return below === undefined ? socket : connectionOf(below);
}

/**
 * Ends the connection by RST (TCP), so that what waits in Node and in the kernel is dropped instead of sent. Node's own
 * `resetAndDestroy` refuses TLS sockets, but not the socket below.
 */
export function resetConnection(socket: Socket): void {
  connectionOf(socket).resetAndDestroy();
  socket.destroy();
}

/** Whether bytes wait because the kernel takes none of the connection: below HTTP/2 no stream's bytes can be dropped alone. */
function isStuck(socket: Socket): boolean {
  return (handleOf(connectionOf(socket))?.writeQueueSize ?? 0) > 0;
}

/**
 * Ends an HTTP/2 stream and drops what waits in it for the peer's window. Where the peer has stopped reading its
 * connection, bytes of this stream wait below HTTP/2, too: then the connection is reset, with its other streams.
 */
export function resetStream(stream: ServerHttp2Stream, { code }: ConnectError): void {
  const { session } = stream;
  // gRPC's statuses for these codes: RESOURCE_EXHAUSTED, CANCELLED.
  stream.close(
    code === Code.ResourceExhausted ? constants.NGHTTP2_ENHANCE_YOUR_CALM : constants.NGHTTP2_CANCEL,
  );
  if (session === undefined || session.destroyed || !isStuck(session.socket)) return;
  connectionOf(session.socket).resetAndDestroy();
  session.destroy();
}
