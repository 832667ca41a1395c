import type { Http2Session } from "node:http2";
import { TLSSocket } from "node:tls";
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

/** The same of a connection, which may have made no call yet: its calls find it read. */
export function peerCertificateOfSession(session: Http2Session): PeerCertificate {
  const read = known.get(session);
  if (read !== undefined) return read.certificate;
  const { socket } = session;
  const shown = socket instanceof TLSSocket && socket.authorized ? socket.getPeerCertificate() : undefined;
  const certificate = shown?.raw ? shown : undefined;
  known.set(session, { certificate });
  return certificate;
}

function sessionOf(call: AnyCall): object | undefined {
  const { session } = (call as { call?: { stream?: { session?: object } } }).call?.stream ?? {};
  return typeof session === "object" && session !== null ? session : undefined;
}
