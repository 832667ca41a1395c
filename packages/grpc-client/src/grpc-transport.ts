import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createSessions } from "./http2-sessions.ts";
import { withRefusedAgain } from "./refused.ts";

/** PEM texts. */
export interface ClientTls {
  /** The authority that signed the server's certificate. */
  readonly serverAuthority: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}

export interface GrpcTransportOptions {
  /** `host:port`. Prefer a name that is in the server's certificate. */
  readonly address: string;
  readonly tls?: ClientTls;
  /** In both directions; 1 MiB unless given, as on the server. */
  readonly messageBytes?: number;
  readonly interceptors?: readonly Interceptor[];
  /**
   * A connection without traffic for `intervalMs` (30,000) gets a ping, and is given up after `timeoutMs` (15,000)
   * without an answer.
   */
  readonly keepAlive?: { readonly intervalMs: number; readonly timeoutMs: number };
}

/**
 * A gRPC client's transport over one HTTP/2 connection, opened at the first call, TLS 1.3. When the server ends the
 * connection, the transport opens another, and repeats calls that the server refused unread.
 */
export function openGrpcTransport(options: GrpcTransportOptions): { transport: Transport; close(): void } {
  const { address, tls, messageBytes = 1_048_576, interceptors = [], keepAlive } = options;
  const baseUrl = `${tls === undefined ? "http" : "https"}://${address}`;
  const sessions = createSessions(
    baseUrl,
    keepAlive === undefined
      ? { pingIntervalMs: 30_000 }
      : { pingIntervalMs: keepAlive.intervalMs, pingTimeoutMs: keepAlive.timeoutMs },
    tls === undefined
      ? undefined
      : {
          ca: tls.serverAuthority,
          minVersion: "TLSv1.3",
          ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
          ...(tls.privateKey === undefined ? {} : { key: tls.privateKey }),
        },
  );
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: sessions,
    interceptors: [...interceptors],
    readMaxBytes: messageBytes,
    writeMaxBytes: messageBytes,
  });
  return { transport: withRefusedAgain(transport), close: () => sessions.abort() };
}
