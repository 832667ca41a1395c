import { createClient } from "@connectrpc/connect";
import { CodeService } from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import type { HttpReply, HttpRequest, Surface, SurfaceContext } from "@wellapi/http";
import { requireFormat, sendResource } from "../content.ts";
import { root } from "../exchange.ts";
import { type TerminologyOperation, terminologyOperations } from "./operations.ts";
import { validateResource } from "./validate-resource.ts";

interface OfType {
  readonly Params: { readonly type: string };
}

/** Adds the operations of the terminology: by GET with parameters in the address, and by POST of Parameters. */
export function mountTerminology(app: Parameters<Surface["mount"]>[0], context: SurfaceContext): void {
  for (const operation of terminologyOperations) {
    const path = `${root}/${operation.type}/$${operation.name}`;
    const run = (request: HttpRequest, reply: HttpReply) => answer(context, operation, request, reply);
    app.get(path, run);
    app.post(path, { config: { rpc: operation.rpc } }, run);
  }
  const { validateCode } = CodeService.method;
  app.post<OfType>(`${root}/:type/$validate`, { config: { rpc: validateCode } }, async (request, reply) => {
    const format = requireFormat(request);
    const codes = createClient(CodeService, context.as(request));
    return sendResource(reply, format, await validateResource(codes, request, request.params.type));
  });
}

async function answer(
  context: SurfaceContext,
  operation: TerminologyOperation,
  request: HttpRequest,
  reply: HttpReply,
): Promise<HttpReply> {
  const format = requireFormat(request);
  const codes = createClient(CodeService, context.as(request));
  return sendResource(reply, format, await operation.run(codes, request));
}
