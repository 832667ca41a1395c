import { describeService } from "@wellapi/service";
import { createDeveloperPagesSurface } from "./developer-pages-surface.ts";
import { createDocsSurface } from "./docs-surface.ts";
import { createOpenApiSurface } from "./openapi-surface.ts";
import { createPatientPagesSurface } from "./patient-pages-surface.ts";

/** Both edges: the HTTP gateway and the providers' gRPC door. It calls every service that has a public contract. */
export const gatewayService = describeService({
  name: "gateway",
  contracts: [],
  // It passes on a patient's data only under a session with consent.
  needs: ["enforcement"],
  calls: [],
  replicas: "many",
  pages: [
    createOpenApiSurface(),
    createPatientPagesSurface(),
    createDeveloperPagesSurface(),
    createDocsSurface(),
  ],
  sizing: { cpu: "500m" },
});
