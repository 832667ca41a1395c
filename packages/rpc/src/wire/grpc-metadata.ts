import { create, toBinary } from "@bufbuild/protobuf";
import { type ConnectError, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";
import { StatusSchema } from "@wellapi/gen/google/rpc/status_pb";

/** grpc-js metadata as headers; `-bin` values as base64, as Connect has them. */
export function headersOf(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [key, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) {
      headers.append(key, typeof value === "string" ? value : encodeBinaryHeader(value));
    }
  }
  return headers;
}

/** Headers as grpc-js metadata. */
export function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  headers.forEach((joined, key) => {
    if (!key.endsWith("-bin")) metadata.add(key, joined);
    else
      for (const value of joined.split(",")) metadata.add(key, Buffer.from(decodeBinaryHeader(value.trim())));
  });
  return metadata;
}

/** The trailers of a failed call, with google.rpc.Status in `grpc-status-details-bin`. */
export function errorMetadata(error: ConnectError): Metadata {
  const metadata = metadataOf(error.metadata);
  const details = error.details.map((detail) => {
    const [type, value] =
      "desc" in detail
        ? [detail.desc.typeName, toBinary(detail.desc, create(detail.desc, detail.value))]
        : [detail.type, detail.value];
    return { typeUrl: `type.googleapis.com/${type}`, value };
  });
  const status = create(StatusSchema, { code: error.code, message: error.rawMessage, details });
  metadata.set("grpc-status-details-bin", asBuffer(toBinary(StatusSchema, status)));
  return metadata;
}

/** The same bytes as a Buffer: grpc-js calls `.copy` on it. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
