import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { happeningOf } from "./happening.ts";

/** What the reader wants to see of the log. */
export interface LogFilter {
  readonly show: "others" | "refused" | "all";
  /** Empty: of all of them. */
  readonly organization: string;
}

/** `ownAccount`: as `happeningOf` takes it. */
export function fits({ access }: LoggedAccess, filter: LogFilter, ownAccount: string): boolean {
  const { show, organization } = filter;
  // What is damaged hides in no filter.
  if (access === undefined) return organization === "";
  if (organization !== "" && access.organization !== organization) return false;
  if (show === "all") return true;
  const { doer, outcome } = happeningOf(access, ownAccount);
  return show === "refused" ? outcome !== "done" : doer !== "patient";
}
