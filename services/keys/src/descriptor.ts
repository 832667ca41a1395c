import { JournalService } from "@wellapi/gen/wellapi/internal/keys/v1/journal_service_pb";
import { KeyService } from "@wellapi/gen/wellapi/internal/keys/v1/key_service_pb";
import { describeService } from "@wellapi/service";
import { vaultCollections } from "@wellapi/vault";

export const keysService = describeService({
  name: "keys",
  contracts: [KeyService, JournalService],
  needs: ["key_files"],
  provides: ["vault", "journal"],
  calls: [],
  // A single file, so that the service can prove that a key is gone.
  replicas: "one",
  sizing: { cpu: "100m", memory: "128Mi", memoryLimit: "512Mi" },
  meshOnly: true,
  async compose(platform) {
    const { openKeysService } = await import("./service.ts");
    const { clock, closers } = platform;
    const store = await platform.openFile("patient-keys", vaultCollections);
    const journal = await platform.openJournalFile();
    const keys = await openKeysService({ store, journal, clock });
    closers.push("keys", () => keys.close());
    return keys;
  },
});
