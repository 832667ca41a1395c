import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";

/** Full name, as in the path of a call. */
export function rpcNameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

export function findMethod(services: readonly DescService[], name: string): DescMethod | undefined {
  return services.flatMap(({ methods }) => methods).find((method) => rpcNameOf(method) === name);
}

/** Beginnings of the names of what ends, deletes or replaces something that somebody relies on. */
const destructiveNames =
  /^(Cancel|Confirm|Delete|Disable|Dismiss|End|Erase|Refuse|Remove|Report|Retract|Revoke|Rotate|Undo|Unverify|Withdraw)/;

/** Whether the explorer asks before it calls, and calls at a sandbox only. */
export function isDestructive({ name, idempotency }: DescMethod): boolean {
  return idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS && destructiveNames.test(name);
}

/** A page sends one message and then reads: browsers cannot stream requests. */
export function isCallable({ methodKind }: DescMethod): boolean {
  return methodKind === "unary" || methodKind === "server_streaming";
}
