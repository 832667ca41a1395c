/**
 * The identity of a service of the installation, from its certificate: the service account of
 * `spiffe://<trust domain>/ns/<namespace>/sa/<service account>` (SPIFFE-ID 2; the path is Istio's).
 */

/** Derives the caller's identity from what the transport knows; undefined: a caller from outside. */
export type PeerIdentity = (call: {
  /** `subjectaltname` of the certificate that the handshake verified, as node:tls spells it. */
  readonly subjectAltName: string | undefined;
  readonly header: Headers;
}) => string | undefined;

export interface MeshNames {
  readonly trustDomain: string;
  /** Kubernetes namespace; `wellapi` unless given. */
  readonly namespace?: string;
}

export const forwardedCertificateHeader = "x-forwarded-client-cert";

const serviceAccount = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The SPIFFE id of a service account. */
export function spiffeIdOf(workload: string, { trustDomain, namespace = "wellapi" }: MeshNames): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${workload}`;
}

/** The service account in the URI, if it is one of this mesh. Every other text is rejected. */
export function workloadOf(uri: string, names: MeshNames): string | undefined {
  const prefix = spiffeIdOf("", names);
  if (!uri.startsWith(prefix)) return undefined;
  const account = uri.slice(prefix.length);
  return serviceAccount.test(account) ? account : undefined;
}

/**
 * From the peer's certificate: an X.509-SVID has exactly one URI name (SPIFFE X509-SVID 2). A name that node:tls
 * quotes could hide another name inside, so a certificate with such a name is rejected.
 */
export function certificateIdentity(names: MeshNames): PeerIdentity {
  return ({ subjectAltName }) => {
    if (subjectAltName === undefined || subjectAltName.includes('"')) return undefined;
    const uris = subjectAltName.split(", ").filter((name) => name.startsWith("URI:"));
    return uris.length === 1 ? workloadOf(uris[0]!.slice("URI:".length), names) : undefined;
  };
}

/**
 * From the sidecar's header (Envoy, `x-forwarded-client-cert`), for a server that only its sidecar can reach. Each
 * proxy appends one element: the last is from the own sidecar, all earlier ones are from the caller.
 */
export function sidecarIdentity(names: MeshNames): PeerIdentity {
  return ({ header }) => {
    const value = header.get(forwardedCertificateHeader) ?? "";
    const uri = fieldOf(splitFromEnd(value, ",", 1)[0]!, "uri");
    return uri === undefined ? undefined : workloadOf(uri, names);
  };
}

/** The value of the field that an element has once; undefined where it is missing, or there several times. */
export function fieldOf(element: string, name: string): string | undefined {
  const found = splitFromEnd(element, ";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.toLowerCase().startsWith(`${name}=`));
  return found.length === 1 ? found[0]!.slice(name.length + 1) : undefined;
}

/**
 * The parts between separators outside quotes, last first. Read from the end: the end is the nearest proxy's, while a
 * quote that a caller left open at the front would turn everything after it inside out.
 */
export function splitFromEnd(text: string, separator: string, most = Number.POSITIVE_INFINITY): string[] {
  const parts: string[] = [];
  let end = text.length;
  let quoted = false;
  for (let at = text.length - 1; at >= 0 && parts.length < most; at--) {
    if (text[at] === '"' && !isEscaped(text, at)) quoted = !quoted;
    else if (!quoted && text[at] === separator) {
      parts.push(text.slice(at + 1, end));
      end = at;
    }
  }
  if (parts.length < most) parts.push(text.slice(0, end));
  return parts;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
