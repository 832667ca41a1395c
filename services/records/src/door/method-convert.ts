import type { HandlerContext } from "@connectrpc/connect";

/** The method as the log names it, e.g. `wellapi.records.v1.RecordsService/ReadSeries`. */
export function methodOf({ service, method }: HandlerContext): string {
  return `${service.typeName}/${method.name}`;
}
