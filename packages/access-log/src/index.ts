export {
  type AccessLogOptions,
  type OpenAccessLog,
  openAccessLog,
  type Waiting,
  type WaitingLeaves,
} from "./access-log.ts";
export { actorOf } from "./actor.ts";
export { checkReserve, leafCheck } from "./check.ts";
export { AccessLogError, type AccessLogErrorCode } from "./errors.ts";
export { leavesCollection } from "./leaf.ts";
export { createLeafSealer, type LeafSealer } from "./leaf-sealer.ts";
export type { AccessInit, AccessLog, Leaf } from "./port.ts";
export { reserveIsEmpty } from "./reserve.ts";
