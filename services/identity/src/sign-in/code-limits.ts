import type { Clock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { codesLimited } from "../accounts/account-errors.ts";
import { createWindowLimit, type WindowLimit } from "../limits/window-limit.ts";

const HOUR = 3_600_000;
/** Codes that are sent to one address, whoever asks for them. */
const windows = [
  { ms: HOUR, most: 5 },
  { ms: 24 * HOUR, most: 15 },
] as const;

/** Counts the codes of an address, by what stands for it. Throws `codes_limited`. */
export type CodeLimits = WindowLimit;

export function createCodeLimits(store: Store, clock: Clock): CodeLimits {
  return createWindowLimit({ store, clock, scope: "address", windows, limited: codesLimited });
}
