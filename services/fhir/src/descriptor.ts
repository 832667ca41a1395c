import { describeService } from "@wellapi/service";
import { fhirSurface } from "./fhir-surface.ts";

/** FHIR R4 over the contracts of others. It stores nothing, so any number of replicas may serve it. */
export const fhirService = describeService({
  name: "fhir",
  contracts: [],
  needs: [],
  calls: [],
  surfaceCalls: ["codes", "records"],
  replicas: "many",
  surfaces: [fhirSurface],
  async compose() {
    return { routes: [] };
  },
});
