export { fhirService } from "./descriptor.ts";
