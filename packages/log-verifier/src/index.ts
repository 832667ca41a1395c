export { commitment, NONCE_BYTES } from "./commitment.ts";
export { LogVerifierError, type LogVerifierErrorCode } from "./errors.ts";
export { type FetchLogFile, type LogFinding, verifyLogFiles } from "./log-files.ts";
export { type LogDamage, type ScanOptions, type ScanStep, scanLog, type Unlocated } from "./scan.ts";
export {
  breakSince,
  followSuccessions,
  openSuccession,
  type Succession,
  signSuccession,
  successionNotes,
  type Tree,
} from "./succession.ts";
export {
  type AccessClaim,
  checkpointSize,
  type GrowthClaim,
  openLogCheckpoint,
  verifyAccess,
  verifyGrowth,
} from "./verify.ts";
