import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { HttpRequest } from "@wellapi/http";
import type { UnadmittedRequest } from "@wellapi/rpc";
import { callValues, headersOf } from "./connect-request.ts";
import { noSuchPath } from "./rpc-surface.ts";

/**
 * Tells the organization whose credential a request to no path of ours shows, as of any other request that ended. Never the path itself: it may
 * hold anything, also a patient's name.
 */
export function createUnknownPaths(
  services: readonly DescService[],
  unadmitted: (request: UnadmittedRequest) => void,
): (request: HttpRequest, durationMs: number) => void {
  const known = new Set(services.map(({ typeName }) => typeName));
  return (request, durationMs) => {
    const [, service = ""] = (request.raw.url ?? "").split("/", 2);
    unadmitted({
      header: headersOf(request.raw.headers),
      contextValues: callValues(request),
      problem: { code: Code.NotFound, reason: noSuchPath.reason, message: noSuchPath.message },
      method: known.has(service) ? `${service}/(unknown)` : "(unknown path)",
      protocol: known.has(service) ? "connect" : "http",
      durationMs,
      requestId: request.id,
      traceId: "",
    });
  };
}
