export { type KeysDeps, keysCollections, type OpenKeysService, openKeysService } from "./service.ts";
