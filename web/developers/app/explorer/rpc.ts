import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { rpcName } from "@wellapi/descriptors";

/** By its full name. */
export function findMethod(services: readonly DescService[], name: string): DescMethod | undefined {
  return services.flatMap(({ methods }) => methods).find((method) => rpcName(method) === name);
}

/** A page sends one message and then reads: browsers cannot stream requests. */
export function isCallable({ methodKind }: DescMethod): boolean {
  return methodKind === "unary" || methodKind === "server_streaming";
}
