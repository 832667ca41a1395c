import { X509Certificate } from "node:crypto";
import { fieldOf, splitFromEnd } from "./workload-identity.ts";

/**
 * Who ends TLS in front and says in `x-forwarded-client-cert` (Envoy) which certificate the client has shown:
 *
 * - `proxy`: the proxy that connects to us. The last element is its own.
 * - an edge, by its SPIFFE id, with a sidecar between: the last element is the sidecar's and names the edge, the one
 *   before it is the edge's.
 *
 * Either replaces what the client itself has sent. Where it appends, a client without a certificate names any.
 */
export type CertificateForwarder = "proxy" | `spiffe://${string}`;

/** DER of the certificate that the client has shown to the forwarder; undefined: none. Its issuer is not verified. */
export function forwardedCertificate(header: string, from: CertificateForwarder): Uint8Array | undefined {
  const [last = "", before = ""] = splitFromEnd(header, ",", 2);
  if (from === "proxy") return certificateIn(last);
  return fieldOf(last, "uri") === from ? certificateIn(before) : undefined;
}

/** The field `Cert` is the client's certificate as PEM, percent-encoded and in quotes. */
function certificateIn(element: string): Uint8Array | undefined {
  const quoted = fieldOf(element, "cert");
  const encoded = quoted === undefined ? undefined : /^"([\w%.~-]+)"$/.exec(quoted)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return new X509Certificate(decodeURIComponent(encoded)).raw;
  } catch {
    return undefined;
  }
}
