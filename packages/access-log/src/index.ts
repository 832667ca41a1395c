export {
  type AccessLogOptions,
  type OpenAccessLog,
  openAccessLog,
  type Waiting,
  type WaitingLeaves,
} from "./access-log.ts";
export { actorOf } from "./actor.ts";
export { checkReserve, leafCheck } from "./check.ts";
export { commitment, NONCE_BYTES } from "./commitment.ts";
export { AccessLogError, type AccessLogErrorCode } from "./errors.ts";
export { leavesCollection } from "./leaf.ts";
export { createLeafSealer, type LeafSealer } from "./leaf-sealer.ts";
export type { AccessInit, AccessLog, Leaf } from "./port.ts";
export { reserveIsEmpty } from "./reserve.ts";
export {
  followSuccessions,
  openSuccession,
  type Succession,
  signSuccession,
  type Tree,
} from "./succession.ts";
export {
  type AccessClaim,
  type GrowthClaim,
  openLogCheckpoint,
  verifyAccess,
  verifyGrowth,
} from "./verify.ts";
