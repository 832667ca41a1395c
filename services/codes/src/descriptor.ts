import { CodeReleaseService } from "@wellapi/gen/wellapi/codes/v1/code_release_service_pb";
import { CodeService } from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import { describeService } from "@wellapi/service";
import { codesCollections } from "./collections.ts";

/** What codes mean: those of the exchange, of HL7, and what operators load. */
export const codesService = describeService({
  name: "codes",
  contracts: [CodeService, CodeReleaseService],
  store: {
    collections: codesCollections,
    check: async (context) => (await import("./check.ts")).codesCheck(context),
    sharesThread: true,
  },
  needs: ["keys", "access_log", "terminology"],
  calls: [],
  replicas: "many",
  sizing: { cpu: "100m" },
  async compose(platform) {
    const { createCodesService } = await import("./service.ts");
    const { clock, ids } = platform;
    const { pairwise } = await platform.keys();
    const store = await platform.openStore();
    const accessLog = await platform.openAccessLog(store);
    return createCodesService({
      store,
      accessLog,
      pairwise,
      terminology: await platform.terminology(),
      clock,
      ids,
    });
  },
});
