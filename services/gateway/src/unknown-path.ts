import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { type HttpRequest, pathOf } from "@wellapi/http";
import { type UnadmittedRequest, unservedMethod } from "@wellapi/rpc";
import { callValues, headersOf } from "./connect-request.ts";
import { noSuchPath } from "./rpc-surface.ts";

/** Tells the organization whose credential a request to no path of ours shows, as of any other request that ended. */
export function createUnknownPaths(
  services: readonly DescService[],
  unadmitted: (request: UnadmittedRequest) => void,
): (request: HttpRequest, durationMs: number) => void {
  const known = new Set(services.map(({ typeName }) => typeName));
  return (request, durationMs) => {
    const method = unservedMethod(pathOf(request.raw.url), known);
    unadmitted({
      header: headersOf(request.raw.headers),
      contextValues: callValues(request),
      problem: { code: Code.NotFound, reason: noSuchPath.reason, message: noSuchPath.message },
      method,
      protocol: method.includes("/") ? "connect" : "http",
      durationMs,
      requestId: request.id,
      traceId: "",
    });
  };
}
