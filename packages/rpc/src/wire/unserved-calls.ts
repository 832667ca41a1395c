import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Code } from "@connectrpc/connect";
import { type Logger, version } from "@wellapi/runtime";
import { versionHeader } from "../answers/serving-version.ts";
import { requestIdFrom, requestIdHeader } from "../caller/context.ts";
import { statusName } from "../interceptors/telemetry.ts";
import { problemError, problemOf } from "../status.ts";
import { errorMetadata } from "./grpc-metadata.ts";

export interface UnservedOptions {
  /** Whether there is a handler at the path. */
  readonly serves: (path: string) => boolean;
  /** Called with each stream that is refused here, and so is no call that a budget counts. */
  readonly refused: (stream: ServerHttp2Stream) => void;
  readonly log: Logger;
}

const noSuchMethod = problemError({
  code: Code.Unimplemented,
  reason: "NOT_FOUND",
  message: "no method is served at this path: call /<package>.<Service>/<Method>, as the contracts have it",
});

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
    refused(stream);
    const fields = { ...answer.fields, request_id: requestId };
    log.info({ ...fields, ...(address !== undefined && { caller_address: address }) }, "request refused");
  });
}

function answerTo(
  headers: IncomingHttpHeaders & { readonly ":path"?: string },
  serves: (path: string) => boolean,
) {
  if (headers["content-type"]?.startsWith("application/grpc") !== true) {
    return { headers: { ":status": 415 }, fields: { status: 415, reason: "UNSUPPORTED_MEDIA_TYPE" } };
  }
  if (serves(headers[":path"] ?? "")) return undefined;
  const { code, rawMessage } = noSuchMethod;
  return {
    headers: {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": code,
      "grpc-message": rawMessage,
      ...errorMetadata(noSuchMethod).toHttp2Headers(),
    },
    fields: { code: statusName(code), reason: problemOf(noSuchMethod).reason },
  };
}
