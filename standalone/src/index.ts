export type { Manifest } from "./backup/manifest.ts";
export { runBackup, runRestore } from "./backup/run.ts";
export { type Exchange, openExchange } from "./exchange.ts";
export { runService } from "./mesh/run.ts";
export { serviceNames } from "./mesh/services.ts";
export { run } from "./run.ts";
