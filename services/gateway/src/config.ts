import { localOrigins } from "@wellapi/http";
import type { CertificateForwarder, CertificatePair } from "@wellapi/rpc";
import type { ConfigReader } from "@wellapi/runtime";

export interface GatewayConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Web origins that browsers may call from, as `HttpServerOptions` has them. Empty: CORS is off. */
  readonly corsOrigins: readonly string[];
  /** TLS for callers from outside; absent: plain HTTP. */
  readonly tls?: CertificatePair | undefined;
  /** A second listener, which asks its clients for certificates. `port`: 0 takes a free one. Absent: there is none. */
  readonly mtls?: { readonly port: number; readonly tls: CertificatePair } | undefined;
  /** Whom to believe which certificates clients have shown; nobody unless given. */
  readonly certificatesFrom?: CertificateForwarder | undefined;
  /** Proxies in front of it whose `x-forwarded-for` is believed; 0 unless given. */
  readonly trustedProxies?: number;
  /** Longest unary call, milliseconds; that of `gatewayLimits` unless given. */
  readonly maximumTimeoutMs?: number;
}

export const gatewayLimits = {
  /** Longest unary call, milliseconds. */
  maximumTimeoutMs: 30_000,
  /** Largest message, bytes. */
  maximumMessageBytes: 1_048_576,
} as const;

/**
 * `WELLAPI_CORS_ORIGINS`. In the sandbox the default is this machine's origins, so that a page that is being developed
 * can call. `none` is no origin. Reports a value that is not an origin: a browser would never match it.
 */
export function readCorsOrigins(reader: ConfigReader, profile: "sandbox" | "production"): readonly string[] {
  const origins = reader.list("WELLAPI_CORS_ORIGINS", profile === "sandbox" ? [localOrigins] : []);
  if (origins.length === 1 && origins[0] === "none") return [];
  if (!origins.every((origin) => origin === localOrigins || isOrigin(origin))) {
    reader.problem(
      "WELLAPI_CORS_ORIGINS is not valid: expected none, or origins such as https://app.example, without path and " +
        "without *, and localhost for every port of this machine",
    );
  }
  return origins;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
