import type { Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Code } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";
import { type Logger, version } from "@wellapi/runtime";
import { versionHeader } from "../answers/serving-version.ts";
import { requestIdFrom, requestIdHeader, requestIdKey } from "../caller/context.ts";
import { peerCertificateOfSession } from "../caller/peer-certificate.ts";
import { type UnadmittedRequest, unservedMethod } from "../caller/unadmitted-requests.ts";
import { statusName } from "../interceptors/telemetry.ts";
import type { Problem } from "../problem.ts";
import { problemError } from "../status.ts";
import { errorMetadata, headersOf } from "./grpc-metadata.ts";
import { outsideValues } from "./memory-transport.ts";

export interface UnservedOptions {
  /** Whether there is a handler at the path. */
  readonly serves: (path: string) => boolean;
  /** Called with each stream that is refused here, and so is no call that a budget counts. */
  readonly refused: (stream: ServerHttp2Stream, call: UnservedCall) => void;
  readonly log: Logger;
}

/** A call that no handler is for, as it was answered. */
export interface UnservedCall {
  readonly headers: IncomingHttpHeaders;
  /** As the caller wrote it. It may hold anything. */
  readonly path: string;
  readonly address: string | undefined;
  readonly problem: Problem;
  readonly requestId: string;
}

const noSuchMethod: Problem = {
  code: Code.Unimplemented,
  reason: "NOT_FOUND",
  message: "no method is served at this path: call /<package>.<Service>/<Method>, as the contracts have it",
};
const noGrpc: Problem = {
  code: Code.Unimplemented,
  reason: "UNSUPPORTED_MEDIA_TYPE",
  message: "call this door by gRPC; JSON is for the gateway",
};

/**
 * Answers what grpc-js answers by itself, without request id and line in the log: a path that nothing is served at, and a
 * media type that is not gRPC's. All other calls go on to grpc-js.
 */
export function answerUnserved(server: Http2Server, { serves, refused, log }: UnservedOptions): void {
  const [serve, ...others] = server.listeners("stream");
  if (serve === undefined || others.length > 0) throw new TypeError("grpc-js listens for streams elsewhere");
  server.removeAllListeners("stream");
  server.on("stream", (stream, headers, ...rest) => {
    const answer = answerTo(headers, serves);
    if (answer === undefined) {
      serve.call(server, stream, headers, ...rest);
      return;
    }
    const requestId = requestIdFrom(headers[requestIdHeader] as string | undefined);
    const address = stream.session?.socket.remoteAddress;
    stream.on("error", () => {}); // Its caller has left.
    stream.resume();
    const named = { [requestIdHeader]: requestId, [versionHeader]: version };
    stream.respond({ ...answer.headers, ...named }, { endStream: true });
    refused(stream, { headers, path: headers[":path"] ?? "", address, problem: answer.problem, requestId });
    const fields = { ...answer.fields, request_id: requestId };
    log.info({ ...fields, ...(address !== undefined && { caller_address: address }) }, "request refused");
  });
}

function answerTo(
  headers: IncomingHttpHeaders & { readonly ":path"?: string },
  serves: (path: string) => boolean,
) {
  if (headers["content-type"]?.startsWith("application/grpc") !== true) {
    return {
      problem: noGrpc,
      headers: { ":status": 415 },
      fields: { status: 415, reason: "UNSUPPORTED_MEDIA_TYPE" },
    };
  }
  if (serves(headers[":path"] ?? "")) return undefined;
  const error = problemError(noSuchMethod);
  return {
    problem: noSuchMethod,
    headers: {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": error.code,
      "grpc-message": error.rawMessage,
      ...errorMetadata(error).toHttp2Headers(),
    },
    fields: { code: statusName(error.code), reason: noSuchMethod.reason },
  };
}

/** How its organization is told of a call that no handler is for. */
export function unadmittedOf(
  session: Http2Session,
  { headers, path, address, problem, requestId }: UnservedCall,
  known: { readonly serves: (path: string) => boolean; readonly services: ReadonlySet<string> },
): UnadmittedRequest {
  const method = known.serves(path) ? path.slice(1) : unservedMethod(path, known.services);
  const http = { method: headers[":method"] ?? "", authority: headers[":authority"] ?? "", path };
  return {
    header: headersOf(Metadata.fromHttp2Headers(headers)),
    contextValues: outsideValues({ address, certificate: peerCertificateOfSession(session)?.raw, http }).set(
      requestIdKey,
      requestId,
    ),
    problem,
    method,
    protocol: "grpc",
    durationMs: 0,
    requestId,
    traceId: "",
  };
}
