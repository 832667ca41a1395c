import { type Env, parseConfig } from "@wellapi/runtime";

export interface GatewayConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Web origins that browsers may call from, for example `https://app.example`. Empty: CORS is off. */
  readonly corsOrigins: readonly string[];
  /** Longest unary call, milliseconds. */
  readonly maximumTimeoutMs: number;
  /** Largest message, bytes. */
  readonly maximumMessageBytes: number;
}

/** @throws ConfigError naming every problem. */
export function parseGatewayConfig(env: Env): GatewayConfig {
  return parseConfig(env, (read) => {
    const corsOrigins = read.list("WELLAPI_CORS_ORIGINS", []);
    if (!corsOrigins.every(isOrigin)) {
      read.problem(
        "WELLAPI_CORS_ORIGINS is not valid: expected origins such as https://app.example, without path and without *",
      );
    }
    return {
      host: read.string("WELLAPI_HOST", "127.0.0.1"),
      port: read.port("WELLAPI_HTTP_PORT", 7080),
      corsOrigins,
      maximumTimeoutMs: 30_000,
      maximumMessageBytes: 1_048_576,
    };
  });
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
