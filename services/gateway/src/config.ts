import type { ConfigReader } from "@wellapi/runtime";

export interface GatewayConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Web origins that browsers may call from, for example `https://app.example`. Empty: CORS is off. */
  readonly corsOrigins: readonly string[];
  /** Longest unary call, milliseconds; that of `gatewayLimits` unless given. */
  readonly maximumTimeoutMs?: number;
}

export const gatewayLimits = {
  /** Longest unary call, milliseconds. */
  maximumTimeoutMs: 30_000,
  /** Largest message, bytes. */
  maximumMessageBytes: 1_048_576,
} as const;

/** `WELLAPI_CORS_ORIGINS`. Reports a value that is not an origin: a browser would never match it. */
export function readCorsOrigins(reader: ConfigReader): readonly string[] {
  const origins = reader.list("WELLAPI_CORS_ORIGINS", []);
  if (!origins.every(isOrigin)) {
    reader.problem(
      "WELLAPI_CORS_ORIGINS is not valid: expected origins such as https://app.example, without path and without *",
    );
  }
  return origins;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
