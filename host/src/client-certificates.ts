import type { CertificateForwarder } from "@wellapi/rpc";
import type { ConfigReader } from "@wellapi/runtime";

/** How clients show certificates at the HTTP door (RFC 8705). */
export interface ClientCertificateSettings {
  /** Of the gateway's second listener, which asks for them; 0 takes a free port. Undefined: there is none. */
  readonly port: number | undefined;
  /** Who in front says which certificates clients have shown; undefined: nobody is believed. */
  readonly from: CertificateForwarder | undefined;
  /** Where clients reach the listener, or whoever is in front; undefined: where the one listens, or the installation's origin. */
  readonly origin: string | undefined;
}

const names = {
  port: "WELLAPI_MTLS_PORT",
  from: "WELLAPI_CLIENT_CERT_FROM",
  origin: "WELLAPI_MTLS_ORIGIN",
} as const;

export function clientCertificatesOf(reader: ConfigReader): ClientCertificateSettings {
  const port = reader.optional(names.port) === undefined ? undefined : reader.port(names.port);
  const from = forwarderOf(reader);
  const origin = reader.optional(names.origin);
  if (origin !== undefined && (URL.parse(origin)?.origin !== origin || !origin.startsWith("https://"))) {
    reader.problem(
      `${names.origin} is not valid: expected an address such as https://mtls.wellapi.example, without a path`,
    );
  }
  if (port !== undefined && from !== undefined)
    reader.problem(`set ${names.port} or ${names.from}, not both: TLS ends in one place`);
  return { port, from, origin };
}

/** Whoever reaches the gateway by another way than the proxy could name any certificate. */
export function checkForwarder(
  { from }: ClientCertificateSettings,
  trustedProxies: number,
  reader: ConfigReader,
): void {
  if (from === undefined || trustedProxies > 0) return;
  reader.problem(`${names.from} needs a proxy in front: WELLAPI_TRUSTED_PROXIES says how many there are`);
}

function forwarderOf(reader: ConfigReader): CertificateForwarder | undefined {
  const said = reader.string(names.from, "none");
  if (said === "none") return undefined;
  if (said === "proxy" || isSpiffeId(said)) return said;
  reader.problem(
    `${names.from} is not valid: expected none, proxy, or the SPIFFE id of the edge before the gateway's sidecar`,
  );
  return undefined;
}

function isSpiffeId(text: string): text is `spiffe://${string}` {
  return /^spiffe:\/\/[a-z0-9._-]+(\/[A-Za-z0-9._-]+)+$/.test(text);
}

/**
 * Where clients with a certificate call, once the doors are open; undefined: nothing asks for one. `opened`: where the listener
 * is, if there is one.
 */
export function mtlsOriginOf(
  { from, origin: set }: ClientCertificateSettings,
  { origin, opened }: { readonly origin: string; readonly opened: string | undefined },
): string | undefined {
  return set ?? opened ?? (from === undefined ? undefined : origin);
}
