export {
  type AccessLogOptions,
  type OpenAccessLog,
  openAccessLog,
  type Waiting,
  type WaitingLeaves,
} from "./access-log.ts";
export { checkReserve, leafCheck } from "./check.ts";
export { consentReferences, entryOf, mostListed, type Said } from "./entry.ts";
export { type EntryRule, entryRules } from "./entry-rules.ts";
export { AccessLogError, type AccessLogErrorCode } from "./errors.ts";
export { leavesCollection } from "./leaf.ts";
export { createLeafSealer, type LeafSealer } from "./leaf-sealer.ts";
export {
  createLoggedCalls,
  type LoggedCall,
  type LoggedCalls,
  type RunLogged,
  type Shown,
} from "./logged-calls.ts";
export { notedCalls, type Topic } from "./noted-calls.ts";
export { type Outcome, outcomeOf } from "./outcome.ts";
export type { AccessInit, AccessLog, Leaf } from "./port.ts";
export { reserveIsEmpty } from "./reserve.ts";
