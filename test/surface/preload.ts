/** Gives identity and records the surfaces of tests. Loaded before a process's own program: `surfaceSettings`. */
import { identityService } from "@wellapi/identity";
import { recordsService } from "@wellapi/records";
import type { ServiceDescriptor } from "@wellapi/service";
import { heartSurface, patientSurface } from "./rest-surfaces.ts";

function give(descriptor: object, surface: typeof heartSurface): void {
  const { surfaces = [] } = descriptor as ServiceDescriptor;
  Object.assign(descriptor, { surfaces: [...surfaces, surface] });
}

give(identityService, patientSurface);
give(recordsService, heartSurface);
