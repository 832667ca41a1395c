export { keysService } from "./descriptor.ts";
export { type KeysDeps, keysCollections, type OpenKeysService, openKeysService } from "./service.ts";
