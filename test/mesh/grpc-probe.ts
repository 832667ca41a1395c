/** One gRPC call with an empty message, and who answered it. */
import { Buffer } from "node:buffer";
import type { ClientHttp2Session, IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";

/**
 * - `answered`: the service itself answered, with whatever status
 * - `denied`: a proxy's authorization policy refused it, the service was not reached
 * - `not routed`: the caller's own sidecar knows no such host
 * - `no connection`: closed, reset or refused before any answer
 * - anything else in words; no row expects it
 */
export type Outcome = string;

export interface GrpcCall {
  /** `/wellapi.internal.keys.v1.KeyService/FindKey` */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The message, encoded; empty unless given. */
  readonly message?: Uint8Array;
}

export interface GrpcReply {
  readonly outcome: Outcome;
  /** Of a refusal by the service: `grpc-status-details-bin`, as it came. */
  readonly details?: string;
  /** The first message of the answer, encoded. */
  readonly message?: Uint8Array;
}

const answerMs = 5_000;

export function callGrpc(
  session: ClientHttp2Session,
  { path, headers, message }: GrpcCall,
): Promise<GrpcReply> {
  return new Promise((resolve) => {
    const request = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": `${answerMs}m`,
      ...headers,
    });
    const parts: Buffer[] = [];
    let response: (IncomingHttpHeaders & IncomingHttpStatusHeader) | undefined;
    let trailers: IncomingHttpHeaders | undefined;
    const settle = (): void => {
      clearTimeout(timer);
      resolve(response === undefined ? { outcome: "no connection" } : replyOf(response, trailers, parts));
    };
    const timer = setTimeout(() => {
      request.destroy();
      resolve({ outcome: response === undefined ? "no answer in time" : "answered" });
    }, answerMs + 1_000);
    request.on("response", (found) => {
      response = found;
    });
    request.on("trailers", (found) => {
      trailers = found;
    });
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("error", () => {}); // 'close' follows
    request.on("close", settle);
    request.end(frame(message ?? new Uint8Array()));
  });
}

function replyOf(
  response: IncomingHttpHeaders & IncomingHttpStatusHeader,
  trailers: IncomingHttpHeaders | undefined,
  parts: readonly Buffer[],
): GrpcReply {
  if (response[":status"] !== 200) return { outcome: `HTTP ${response[":status"]}` };
  const last = trailers ?? response;
  const status = String(last["grpc-status"] ?? "none");
  const text = String(last["grpc-message"] ?? "");
  const body = Buffer.concat(parts);
  if (status === "0") return { outcome: "answered", message: body.subarray(5) };
  const details = last["grpc-status-details-bin"];
  // UNIMPLEMENTED with details is the door's own: nothing is served there.
  if (details !== undefined && status !== "12") return { outcome: "answered", details: String(details) };
  if (status === "7" && text === "RBAC: access denied") return { outcome: "denied" };
  if (status === "14" && text === "") return { outcome: "not routed" }; // Envoy's 502 in gRPC's words
  return { outcome: `grpc-status ${status}: ${text}` };
}

/** Uncompressed, with its length before it. */
function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}
