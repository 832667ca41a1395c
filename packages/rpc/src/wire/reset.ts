import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { Code, type ConnectError } from "@connectrpc/connect";

/** The part of Node's socket that it keeps private: its handle, and under TLS that of the connection below. */
interface Handle {
  /** Bytes that wait for the handle below; of a connection's own handle, those that the kernel did not take. */
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
  reset?(done: () => void): number;
}

/** The handle of the TCP connection. */
function connectionOf(socket: Socket): Handle | undefined {
  let handle = (socket as unknown as { readonly _handle?: Handle | null })._handle ?? undefined;
  while (handle?._parent !== undefined) handle = handle._parent;
  return handle;
}

/**
 * Ends the connection by RST (TCP), so that what waits in Node and in the kernel is dropped instead of sent. Node's own
 * `resetAndDestroy` refuses TLS sockets: the connection below is reset by its handle.
 */
export function resetConnection(socket: Socket): void {
  reset(socket);
  socket.destroy();
}

function reset(socket: Socket): void {
  connectionOf(socket)?.reset?.(() => {});
}

/** Whether bytes wait because the kernel takes none of the connection: below HTTP/2 no stream's bytes can be dropped alone. */
function isStuck(socket: Socket): boolean {
  return (connectionOf(socket)?.writeQueueSize ?? 0) > 0;
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
  reset(session.socket);
  session.destroy();
}
