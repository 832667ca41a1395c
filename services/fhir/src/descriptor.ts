import { describeService } from "@wellapi/service";
import { downloadSurface } from "./download-surface.ts";
import { fhirSurface } from "./fhir-surface.ts";

/** FHIR R4 over the contracts of others. It stores nothing, so any number of replicas may serve it. */
export const fhirService = describeService({
  name: "fhir",
  contracts: [],
  needs: [],
  calls: [],
  surfaceCalls: ["audit", "codes", "consent", "identity", "records"],
  replicas: "many",
  surfaces: [fhirSurface, downloadSurface],
  async compose() {
    return { routes: [] };
  },
});
