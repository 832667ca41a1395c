export type { ServerCertificate } from "./certificate-authority.ts";
export { identityCheck } from "./check.ts";
export { identityCollections } from "./collections.ts";
export { type IdentityConfig, parseIdentityConfig } from "./config.ts";
export { identityService } from "./descriptor.ts";
export { IdentityError, type IdentityErrorCode } from "./errors.ts";
export { keysSurface } from "./keys-surface.ts";
export { type IdentityDeps, type IdentityService, openIdentityService } from "./service.ts";
