import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import { createOrganizationTimes, describeService } from "@wellapi/service";
import { vendorSurface } from "./vendor-surface.ts";

export const ingestionService = describeService({
  name: "ingestion",
  // It judges by the terminology, so it also serves the terminology.
  contracts: [IngestionService, TerminologyService],
  needs: ["terminology"],
  calls: ["identity", "records"],
  // Keeps the requests that came by the surface.
  surfaceCalls: ["audit"],
  replicas: "many",
  surfaces: [vendorSurface],
  sizing: { cpu: "500m" },
  selfValidating: [IngestionService.method.streamSeries, IngestionService.method.streamObservations],
  async compose(platform) {
    const { openIngestionService } = await import("./service.ts");
    const { installation, clock, log, closers, network } = platform;
    const ingestion = await openIngestionService({
      records: network.onBehalf(),
      terminology: await platform.terminology(),
      times: createOrganizationTimes({ profile: installation.profile, identity: network.onOwn(), clock }),
      log,
    });
    closers.push("ingestion", () => ingestion.close());
    return ingestion;
  },
});
