import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";

/**
 * An attacker's HTTP/2 (RFC 9113): frames as bytes, because a library of HTTP/2 refuses to send what an attacker sends.
 * For tests and measurements on loopback only.
 */
export interface Frames {
  /** Resolves when the peer's settings have been acknowledged: never where `acknowledges` is false. */
  readonly acknowledged: Promise<void>;
  /** Waits while the peer takes nothing. */
  send(bytes: Buffer): Promise<void>;
  /** The error code of a GOAWAY that the peer has sent; undefined while it has not. */
  goaway(): number | undefined;
  /** Error codes of the streams that the peer has reset, by stream. */
  readonly resets: ReadonlyMap<number, number>;
  /** Resolves when the connection is over. */
  readonly ended: Promise<void>;
  isOver(): boolean;
  close(): void;
}

export interface AttackerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** RFC 9113, section 6. */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
const endStream = 0x1;
export const endHeaders = 0x4;

/** RFC 9113, section 7. */
export const errorCodes = { internalError: 2, cancel: 8, enhanceYourCalm: 11 } as const;

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** An integer with a prefix of 7 bits, and the octets without Huffman's code (RFC 7541, section 5). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let left = bytes.length - 127;
  for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128);
  return Buffer.concat([Buffer.from([...length, left]), bytes]);
}

/** A header that no table keeps (RFC 7541, section 6.2.2). */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x00]), text(name), text(value)]);
}

/** A header that becomes the newest entry of the peer's dynamic table, index 62 (section 6.2.1). */
export function indexedLiteral(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}

/** The newest entry of the dynamic table: one byte. */
export const newestEntry = Buffer.from([0x80 | 62]);

/** The headers of a gRPC request; `path` is `/service/method`. */
export function requestBlock(path: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x87, 0x04]), // POST, https, and :path by the static table's name
    text(path),
    Buffer.from([0x01]), // :authority
    text("localhost"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

export const headers = (stream: number, block: Buffer, flags = endHeaders): Buffer =>
  frame(frameTypes.headers, flags, stream, block);
export const continuation = (stream: number, block: Buffer, flags = 0): Buffer =>
  frame(frameTypes.continuation, flags, stream, block);
export const data = (stream: number, payload: Buffer): Buffer => frame(frameTypes.data, 0, stream, payload);
export const lastData = (stream: number, payload: Buffer): Buffer =>
  frame(frameTypes.data, endStream, stream, payload);
export const resetStream = (stream: number): Buffer =>
  frame(frameTypes.resetStream, 0, stream, uint32(errorCodes.cancel));
export const ping = (): Buffer => frame(frameTypes.ping, 0, 0, Buffer.alloc(8));
/** Sets the largest frame to 16,384 bytes, as it is. */
export const settings = (): Buffer =>
  frame(frameTypes.settings, 0, 0, Buffer.concat([Buffer.from([0, 5]), uint32(16_384)]));
export const windowUpdate = (stream: number): Buffer => frame(frameTypes.windowUpdate, 0, stream, uint32(1));
export const priority = (stream: number): Buffer =>
  frame(frameTypes.priority, 0, stream, Buffer.concat([uint32(0), Buffer.from([15])]));

/** Connects and begins HTTP/2; without `tls` in plain text. `acknowledges`: the peer's settings, as an honest client. */
export async function openFrames(
  port: number,
  tls?: AttackerTls,
  { acknowledges = true } = {},
): Promise<Frames> {
  const socket = tls
    ? connectTls({ host: "127.0.0.1", port, servername: "localhost", ALPNProtocols: ["h2"], ...tls })
    : connectTcp({ host: "127.0.0.1", port });
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {}); // "close" follows
  let goaway: number | undefined;
  const resets = new Map<number, number>();
  const acknowledged = Promise.withResolvers<void>();
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const payload = rest.subarray(9, 9 + rest.readUIntBE(0, 3));
      const type = rest.readUInt8(3);
      // The last one counts: the first of a server that drains says only that it will end.
      if (type === frameTypes.goaway) goaway = payload.readUInt32BE(4);
      if (type === frameTypes.settings && rest.readUInt8(4) === 0 && acknowledges) {
        socket.write(frame(frameTypes.settings, 1, 0, Buffer.alloc(0)));
        acknowledged.resolve();
      }
      if (type === frameTypes.resetStream) resets.set(rest.readUInt32BE(5), payload.readUInt32BE(0));
      rest = rest.subarray(9 + payload.length);
    }
  });
  await Promise.race([once(socket, tls ? "secureConnect" : "connect"), ended]);
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(frameTypes.settings, 0, 0, Buffer.alloc(0)));
  return {
    acknowledged: acknowledged.promise,
    async send(bytes) {
      if (socket.destroyed || socket.write(bytes)) return;
      await Promise.race([new Promise<void>((resolve) => socket.once("drain", resolve)), ended]);
    },
    goaway: () => goaway,
    resets,
    ended,
    isOver: () => socket.destroyed,
    close: () => socket.destroy(),
  };
}
