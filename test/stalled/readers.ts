import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from "node:http2";
import { connect as connectTcp } from "node:net";
import { create, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { ClientCertificate } from "@wellapi/client";
import {
  ReadSeriesRequestSchema,
  WatchSeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";

/** A reader of one answer, on bytes: a client library would take more than its caller asks for. */
export interface RawReader {
  /** Bytes of the answer that have arrived. */
  bytes(): number;
  pause(): void;
  resume(): void;
  /** Once the answer is over: `end`, `reset`, or the gRPC status. */
  readonly ended: Promise<string>;
  close(): void;
}

export type ReadRequest = MessageInitShape<typeof ReadSeriesRequestSchema>;
export type WatchRequest = MessageInitShape<typeof WatchSeriesRequestSchema>;

const records = "/wellapi.records.v1.RecordsService/";

function envelope(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function encoded(read: ReadRequest | undefined, watch: WatchRequest | undefined) {
  return watch === undefined
    ? {
        method: `${records}ReadSeries`,
        binary: toBinary(ReadSeriesRequestSchema, create(ReadSeriesRequestSchema, read)),
        json: toJsonString(ReadSeriesRequestSchema, create(ReadSeriesRequestSchema, read)),
      }
    : {
        method: `${records}WatchSeries`,
        binary: toBinary(WatchSeriesRequestSchema, create(WatchSeriesRequestSchema, watch)),
        json: toJsonString(WatchSeriesRequestSchema, create(WatchSeriesRequestSchema, watch)),
      };
}

export interface Http2Options {
  /** The window of each stream, bytes; 65,535 unless given. */
  readonly window?: number;
}

/** A connection to the gRPC door; `localhost` is the name in the door's certificate. */
export function connectRaw(
  port: number,
  { cert, key, ca }: ClientCertificate,
  { window = 65_535 }: Http2Options = {},
): ClientHttp2Session {
  const session = connectHttp2(`https://localhost:${port}`, {
    cert,
    key,
    ca,
    settings: { initialWindowSize: window, enablePush: false },
  });
  session.on("error", () => {});
  if (window > 65_535) session.once("connect", () => session.setLocalWindowSize(window));
  return session;
}

/** Opens a stream at the gRPC door. */
export function readOverHttp2(
  session: ClientHttp2Session,
  { read, watch }: { readonly read?: ReadRequest; readonly watch?: WatchRequest },
): RawReader {
  const { method, binary } = encoded(read, watch);
  const stream: ClientHttp2Stream = session.request({
    ":method": "POST",
    ":path": method,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let bytes = 0;
  let status: string | undefined;
  const note = (headers: Record<string, unknown>): void => {
    if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
  };
  stream.on("response", note);
  stream.on("trailers", note);
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.on("error", () => {});
  stream.end(envelope(binary));
  const ended = new Promise<string>((resolve) => {
    stream.once("close", () =>
      resolve(status ?? (stream.rstCode === constants.NGHTTP2_NO_ERROR ? "end" : "reset")),
    );
  });
  return {
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    bytes: () => bytes,
    ended,
    close: () => stream.close(constants.NGHTTP2_CANCEL),
  };
}

/** Opens a stream at the gateway, over a connection of its own. */
export function readOverHttp1(
  port: number,
  key: string,
  { read, watch }: { readonly read?: ReadRequest; readonly watch?: WatchRequest },
): RawReader {
  const { method, json } = encoded(read, watch);
  const body = envelope(Buffer.from(json));
  const socket = connectTcp(port, "127.0.0.1");
  let bytes = 0;
  let how = "end";
  socket.on("data", (chunk) => {
    bytes += chunk.length;
  });
  socket.on("error", () => {
    how = "reset";
  });
  socket.write(
    `POST ${method} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-type: application/connect+json\r\nconnect-protocol-version: 1\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
  );
  socket.write(body);
  return {
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    bytes: () => bytes,
    ended: new Promise((resolve) => socket.once("close", () => resolve(how))),
    close: () => void socket.destroy(),
  };
}
