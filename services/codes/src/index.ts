export { codesService } from "./descriptor.ts";
