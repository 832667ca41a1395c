export { commitment, NONCE_BYTES } from "./commitment.ts";
export { LogVerifierError, type LogVerifierErrorCode } from "./errors.ts";
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
