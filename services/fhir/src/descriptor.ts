import { describeService } from "@wellapi/service";
import { downloadSurface } from "./download-surface.ts";
import { fhirSurface } from "./fhir-surface.ts";

/** FHIR R4 over the contracts of others. It stores nothing, so any number of replicas may serve it. */
export const fhirService = describeService({
  name: "fhir",
  contracts: [],
  // Its surfaces pass on a patient's data only under a session with consent.
  needs: ["enforcement"],
  calls: [],
  surfaceCalls: ["audit", "codes", "consent", "identity", "records"],
  replicas: "many",
  surfaces: [fhirSurface, downloadSurface],
  async compose() {
    return { routes: [] };
  },
});
