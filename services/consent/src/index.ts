export { consentCheck } from "./check.ts";
export { consentCollections } from "./collections.ts";
export { consentService } from "./descriptor.ts";
export type { ConsentErrorCode } from "./errors.ts";
export { ConsentError } from "./errors.ts";
export type { ConsentConfig, ConsentDeps, ConsentServiceHandle } from "./service.ts";
export { openConsentService } from "./service.ts";
