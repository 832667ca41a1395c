import { Code, ConnectError } from "@connectrpc/connect";

/** A call that ended with its connection instead of a status. */
export interface WireFailure {
  /** UNAVAILABLE, as gRPC has it. */
  readonly error: ConnectError;
  /** The server says that it has not begun the call (HTTP/2, section 8.7): any call may then be sent again. */
  readonly refused: boolean;
}

const systemCode = /^(ERR_(HTTP2|SSL|TLS|STREAM|OSSL)_|E[A-Z_]+$)/;

/**
 * Connect's client reports the end of a connection as INTERNAL, ABORTED or CANCELED. Undefined for a status from the
 * server, and for a call that was cancelled here.
 */
export function wireFailure(error: unknown, signal: AbortSignal | undefined): WireFailure | undefined {
  if (signal?.aborted) return undefined;
  const described = ConnectError.from(error);
  if (described.code === Code.DeadlineExceeded) return undefined;
  const causes = causesOf(described);
  const reset = described.rawMessage.startsWith("http/2 stream closed");
  if (!reset && !causes.some(({ code }) => code !== undefined && systemCode.test(code))) return undefined;
  const refused =
    described.rawMessage.includes("REFUSED_STREAM") ||
    causes.some(({ code }) => code === "ERR_HTTP2_GOAWAY_SESSION" || code === "ERR_HTTP2_INVALID_SESSION");
  const unavailable = new ConnectError(
    "the connection ended before the call",
    Code.Unavailable,
    undefined,
    undefined,
    described,
  );
  return { error: unavailable, refused };
}

function causesOf(error: Error): { readonly code: string | undefined }[] {
  const chain: { code: string | undefined }[] = [];
  for (let at: unknown = error.cause; at instanceof Error && chain.length < 8; at = at.cause) {
    chain.push({ code: "code" in at && typeof at.code === "string" ? at.code : undefined });
  }
  return chain;
}
