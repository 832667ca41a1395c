import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { type CertificateForwarder, forwardedCertificate, forwardedCertificateHeader } from "@wellapi/rpc";
import type { FastifyInstance } from "fastify";

/** From the gateway to the process that serves a surface: DER in base64. Nobody else may set it. */
export const clientCertificateHeader = "wellapi-client-certificate";

/**
 * How a server knows the TLS client certificates of callers from outside. In no case their issuers are verified: a client
 * may have registered a certificate of its own.
 *
 * - `connection`: the handshake asks for one, goes on without, and proves that the client has its key.
 * - a forwarder: it ends TLS in front, and nobody else reaches this server.
 */
export type ClientCertificates = "connection" | CertificateForwarder;

declare module "fastify" {
  interface FastifyRequest {
    /** Of the caller's TLS connection, DER; undefined where there is none, or this server is not to know. */
    clientCertificate: Uint8Array | undefined;
  }
}

/** `inside`: the server is for the gateway alone, which says what it knows. Absent `known`: what headers say counts for nothing. */
export function addClientCertificate(
  app: FastifyInstance,
  { inside, known }: { readonly inside: boolean; readonly known: ClientCertificates | undefined },
): void {
  const certificateOf = inside ? fromGateway : readerOf(known);
  app.decorateRequest("clientCertificate", undefined);
  app.addHook("onRequest", (request, _reply, done) => {
    request.clientCertificate = certificateOf(request.raw);
    // Where browsers are asked for certificates no page is served, so no session is taken.
    if (known === "connection") delete request.raw.headers.cookie;
    done();
  });
}

type CertificateReader = (request: IncomingMessage) => Uint8Array | undefined;

function readerOf(known: ClientCertificates | undefined): CertificateReader {
  if (known === undefined) return () => undefined;
  if (known === "connection") return createConnectionReader();
  return ({ headers }) => {
    const header = headers[forwardedCertificateHeader];
    return typeof header === "string" ? forwardedCertificate(header, known) : undefined;
  };
}

/** Read once a connection: TLS 1.3 has no renegotiation. */
function createConnectionReader(): CertificateReader {
  const read = new WeakMap<object, { readonly raw: Uint8Array | undefined }>();
  return ({ socket }) => {
    const known = read.get(socket) ?? { raw: (socket as TLSSocket).getPeerX509Certificate()?.raw };
    read.set(socket, known);
    return known.raw;
  };
}

function fromGateway({ headers }: IncomingMessage): Uint8Array | undefined {
  const said = headers[clientCertificateHeader];
  return typeof said === "string" ? Buffer.from(said, "base64") : undefined;
}
