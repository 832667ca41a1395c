export type { Manifest } from "./backup/manifest.ts";
export { runBackup, runRestore } from "./backup/run.ts";
export { type RepairLogOptions, runRepairLog } from "./check/repair-log.ts";
export {
  type CheckOptions,
  type CheckReport,
  type FileFinding,
  runCheck,
} from "./check/run.ts";
export { parseExchangeConfig } from "./config.ts";
export { type Exchange, openExchange } from "./exchange.ts";
export { type MasterKeyMove, type MasterKeyMoveOptions, moveMasterKey } from "./master-key/move.ts";
export {
  type MasterKeyOptions,
  type MasterKeyRotation,
  retireMasterKey,
  rotateMasterKey,
} from "./master-key/rotation.ts";
export { run } from "./run.ts";
export { type ServiceName, serviceNames, services } from "./services.ts";
