export { identityCheck } from "./check.ts";
export { identityCollections } from "./collections.ts";
export { type IdentityConfig, parseIdentityConfig } from "./config.ts";
export type { ServerCertificate } from "./credentials/certificate-authority.ts";
export { identityService } from "./descriptor.ts";
export { IdentityError, type IdentityErrorCode } from "./errors.ts";
export { type IdentityDeps, type IdentityService, openIdentityService } from "./service.ts";
export { keysSurface } from "./tokens/keys-surface.ts";
