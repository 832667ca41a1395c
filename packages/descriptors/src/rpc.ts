import { type DescMethod, getOption } from "@bufbuild/protobuf";
import { destructive } from "@wellapi/gen/wellapi/type/v1/callers_pb";

/** Full name, as in the path of a call: `wellapi.consent.v1.ConsentService/ListConsents`. */
export function rpcName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Whether it ends, deletes or replaces something that somebody relies on, as its contract says: it is asked for first. */
export function isDestructive(method: DescMethod): boolean {
  return getOption(method, destructive);
}
