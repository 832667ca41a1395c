import { type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import { destructive } from "@wellapi/gen/wellapi/type/v1/callers_pb";

/** Full name, as in the path of a call. */
export function rpcNameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

export function findMethod(services: readonly DescService[], name: string): DescMethod | undefined {
  return services.flatMap(({ methods }) => methods).find((method) => rpcNameOf(method) === name);
}

/** Whether the explorer asks before it calls, and calls at a sandbox only. */
export function isDestructive(method: DescMethod): boolean {
  return getOption(method, destructive);
}

/** A page sends one message and then reads: browsers cannot stream requests. */
export function isCallable({ methodKind }: DescMethod): boolean {
  return methodKind === "unary" || methodKind === "server_streaming";
}
