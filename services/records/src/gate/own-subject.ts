import { RecordsError } from "../errors.ts";
import type { Subject } from "./subject.ts";

/** What is the patient's alone: throws SCOPE_REQUIRED or CONSENT_REQUIRED for whoever else asks; the entry says which. */
export function requireOwn({ own, outsideToken }: Subject): void {
  if (outsideToken) throw new RecordsError("SCOPE_REQUIRED");
  if (!own) throw new RecordsError("CONSENT_REQUIRED", { logged: "NOT_OWN" });
}
