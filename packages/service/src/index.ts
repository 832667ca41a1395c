export {
  type CheckContext,
  type ComposedService,
  describeService,
  type Need,
  type ServiceDescriptor,
  type Sizing,
  type StoreDescriptor,
} from "./descriptor.ts";
export { ServiceError, type ServiceErrorCode } from "./errors.ts";
export {
  createMovesFollower,
  createOrganizationTimes,
  createTrueTimes,
  type MovedClocks,
  type OrganizationTimes,
  timesRememberedMs,
} from "./organization-times.ts";
export type {
  AccessEnds,
  Enforcement,
  Installation,
  Keys,
  LogFolders,
  Network,
  Platform,
} from "./platform.ts";
export { createRegistry, type Registry } from "./registry.ts";
export {
  numberSetting,
  optionalSetting,
  readSettings,
  type Setting,
  type Settings,
  type ValuesOf,
} from "./settings.ts";
