import * as grpc from "@grpc/grpc-js";
import type { Tls } from "./certificates.ts";

/** Where to send calls: a gRPC server with mTLS. */
export interface Target {
  /** `localhost:port`. */
  readonly address: string;
  readonly tls: Tls;
}

/** Messages as bytes: encoding and decoding are the generator's, outside what is timed where it can be. */
export const asBytes = (bytes: Buffer): Buffer => bytes;

/** A client with its own connection. */
export function openRawClient({ address, tls }: Target): grpc.Client {
  const credentials = grpc.credentials.createSsl(
    Buffer.from(tls.ca),
    Buffer.from(tls.key),
    Buffer.from(tls.cert),
  );
  return new grpc.Client(address, credentials, {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": 4 * 1024 * 1024,
  });
}

export function rawStream(client: grpc.Client, path: string): grpc.ClientDuplexStream<Buffer, Buffer> {
  return client.makeBidiStreamRequest(path, asBytes, asBytes);
}

export function rawRead(
  client: grpc.Client,
  path: string,
  request: Uint8Array,
): grpc.ClientReadableStream<Buffer> {
  return client.makeServerStreamRequest(path, asBytes, asBytes, bufferOf(request));
}

export function rawUnary(client: grpc.Client, path: string, request: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asBytes, asBytes, bufferOf(request), (error, answer) => {
      if (error) reject(error);
      else resolve(answer!);
    });
  });
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
