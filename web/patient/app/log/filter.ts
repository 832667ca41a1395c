import type { MessageInitShape } from "@bufbuild/protobuf";
import { Access_Outcome, type LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { AccessFilterSchema } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { happeningOf } from "./happening.ts";

/** What the reader wants to see of the log. */
export interface LogFilter {
  readonly show: "others" | "refused" | "all";
  /** Empty: of all of them. */
  readonly organization: string;
  /** Of data; empty: of all. */
  readonly category: string;
  /** Of the last so many days; 0: of all times. */
  readonly days: number;
}

export const usualFilter: LogFilter = { show: "others", organization: "", category: "", days: 0 };

/** Whether it leaves out nothing. */
export function isWhole(filter: LogFilter): boolean {
  return filter.days === 0 && askedOf(filter) === undefined;
}

/** What the log is asked for; undefined: for everything. */
export function askedOf({
  show,
  organization,
  category,
}: Omit<LogFilter, "days">): MessageInitShape<typeof AccessFilterSchema> | undefined {
  if (show === "all" && organization === "" && category === "") return undefined;
  return {
    organization,
    categories: category === "" ? [] : [category],
    outcomes: show === "refused" ? [Access_Outcome.DENIED, Access_Outcome.UNDECIDED] : [],
    withoutPatientsOwn: show === "others",
  };
}

/** Whether what was found for a filter is shown by it: the log does not know which person is the patient. `ownAccount`: as `happeningOf` takes it. */
export function fits(
  { access }: LoggedAccess,
  { show }: Pick<LogFilter, "show">,
  ownAccount: string,
): boolean {
  // What is damaged hides in no filter.
  if (access === undefined || show !== "others") return true;
  return happeningOf(access, ownAccount).doer !== "patient";
}
