import type * as grpc from "@grpc/grpc-js";

type AnyCall = Pick<grpc.ServerUnaryCall<Buffer, Buffer>, "getAuthContext">;
type PeerCertificate = ReturnType<AnyCall["getAuthContext"]>["sslPeerCertificate"];

const known = new WeakMap<object, { readonly certificate: PeerCertificate }>();

/**
 * The client certificate that the handshake verified, read once a connection: OpenSSL's copy and its parsing cost more
 * than the rest of a small call's framing. TLS 1.3 has no renegotiation, so it stays the connection's own.
 *
 * grpc-js exposes the connection of a call only in a private field. If the field is missing, each call reads.
 */
export function peerCertificateOf(call: AnyCall): PeerCertificate {
  const session = sessionOf(call);
  if (session === undefined) return call.getAuthContext().sslPeerCertificate;
  const entry = known.get(session) ?? { certificate: call.getAuthContext().sslPeerCertificate };
  known.set(session, entry);
  return entry.certificate;
}

function sessionOf(call: AnyCall): object | undefined {
  const { session } = (call as { call?: { stream?: { session?: object } } }).call?.stream ?? {};
  return typeof session === "object" && session !== null ? session : undefined;
}
