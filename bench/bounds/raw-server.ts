import * as grpc from "@grpc/grpc-js";
import type { Tls } from "../src/certificates.ts";

const asBytes = (bytes: Buffer): Buffer => bytes;

/** A bare handler: bytes in, bytes out. */
export type RawMethod =
  | { readonly kind: "unary"; readonly handle: grpc.handleUnaryCall<Buffer, Buffer> }
  | { readonly kind: "read"; readonly handle: grpc.handleServerStreamingCall<Buffer, Buffer> }
  | { readonly kind: "bidi"; readonly handle: grpc.handleBidiStreamingCall<Buffer, Buffer> };

/** grpc-js and nothing else, with the product's TLS (1.3, client certificates) and limits. Resolves with its port. */
export async function openRawServer(tls: Tls, methods: Readonly<Record<string, RawMethod>>): Promise<number> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": 1_048_576,
    "grpc.max_concurrent_streams": 100,
  });
  for (const [path, { kind, handle }] of Object.entries(methods)) {
    const definition: grpc.MethodDefinition<Buffer, Buffer> = {
      path,
      requestStream: kind === "bidi",
      responseStream: kind !== "unary",
      requestSerialize: asBytes,
      requestDeserialize: asBytes,
      responseSerialize: asBytes,
      responseDeserialize: asBytes,
    };
    server.addService({ only: definition }, { only: handle });
  }
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  const credentials = grpc.ServerCredentials.createSsl(Buffer.from(tls.ca), [pair], true);
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}
