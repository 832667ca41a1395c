import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Words } from "./words/en.ts";

/** The name of a role for people: of its number, or of its name as the contracts spell it (`ROLE_OWNER`, `owner`). */
export function roleName({ roles }: Words, role: Role | string): string {
  const spelled = (typeof role === "string" ? role : (Role[role] ?? "")).toLowerCase().replace(/^role_/, "");
  return roles[spelled] ?? spelled.replaceAll(/[_-]/g, " ");
}
