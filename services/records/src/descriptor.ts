import { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { openReceiptKey } from "@wellapi/receipts";
import { observeGauge } from "@wellapi/runtime";
import { createOrganizationTimes, describeService, numberSetting } from "@wellapi/service";
import { recordsCollections } from "./blocks/documents.ts";

/** The most that a watch lags behind another replica's commit whose signal was lost. */
const LOOK_EVERY_MS = 5_000;

export const recordsService = describeService({
  name: "records",
  contracts: [RecordsService, ClinicalRecordsService, ExportService, PreviewService, RecordsWriteService],
  selfValidating: [ClinicalRecordsService.method.streamClinicalRecords],
  store: {
    collections: recordsCollections,
    async check({ store, vault, sealer }) {
      const { recordsCheck } = await import("./check.ts");
      return recordsCheck({ reads: store, vault, sealer });
    },
  },
  needs: ["keys", "vault", "journal", "access_log", "events", "terminology", "enforcement"],
  calls: ["identity"],
  replicas: "many",
  sizing: { cpu: "1", memory: "1Gi", memoryLimit: "2Gi", replicas: 3 },
  settings: {
    // HIPAA: six years from when a consent was last in effect (45 CFR 164.316, 164.530), and accesses are accounted for as long
    // (164.528); GDPR 7(1) asks for the proof of consent without a time (docs/decisions/0034).
    auditRetentionYears: numberSetting(
      "WELLAPI_AUDIT_RETENTION_YEARS",
      { fallback: 6, min: 1, max: 100 },
      "how many years after an erasure the proof of the patient's consents and the content of their log entries are kept",
    ),
    // A shorter time merges steady arrivals more often; a longer one keeps more small blocks (docs/decisions/0018).
    compactAfterMs: numberSetting(
      "WELLAPI_COMPACT_AFTER_MS",
      { fallback: 1_800_000, min: 100, max: 86_400_000 },
      "how long after its arrival a block of samples may be merged with others",
    ),
    // Fewer would tell readers of hourly data single samples; more withholds more (docs/decisions/0021).
    releaseMinimum: numberSetting(
      "WELLAPI_RELEASE_MINIMUM",
      { fallback: 5, min: 2, max: 1_000 },
      "fewest samples that readers of hourly and daily data are told together, at least 2; what was told with a lower one stays told",
    ),
    // An ECG at 250 Hz without a break takes some 15 GB a year; nobody sends more by mistake alone for long.
    storageMib: numberSetting(
      "WELLAPI_STORAGE_PER_PATIENT_MIB",
      { fallback: 16_384, min: 1, max: 1_048_576 },
      "most that an organization may send of a patient, as sealed: beyond it batches are `STORAGE_LIMIT`",
    ),
    series: numberSetting(
      "WELLAPI_SERIES_PER_PATIENT",
      { fallback: 10_000, min: 1, max: 1_000_000 },
      "most series (device, code, method, granularity) that an organization may have of a patient: beyond it batches are `TOO_MANY_SERIES`",
    ),
    organizationStorageMib: numberSetting(
      "WELLAPI_STORAGE_PER_ORGANIZATION_MIB",
      { fallback: 1_048_576, min: 1, max: 1_073_741_824 },
      "most that an organization may send of all its patients together, as sealed: beyond it batches are `ORGANIZATION_STORAGE_LIMIT`",
    ),
    organizationSeries: numberSetting(
      "WELLAPI_SERIES_PER_ORGANIZATION",
      { fallback: 10_000_000, min: 1, max: 1_000_000_000 },
      "most series that an organization may have of all its patients together: beyond it batches are `ORGANIZATION_SERIES_LIMIT`",
    ),
  },
  async compose(platform, settings) {
    const { openRecordsService } = await import("./service.ts");
    const { installation, clock, ids, log, closers, network } = platform;
    const { kms, pairwise, pageTokens } = await platform.keys();
    const vault = await platform.vault();
    const events = await platform.openEvents(["records.>"]);
    const store = await platform.openStore();
    const relay = platform.openRelay(store, events);
    const { enforcer, answers } = await platform.enforcement();
    // A key must not outlive the session under which it was unwrapped.
    enforcer.onRecall((recall) => {
      if (recall === undefined) vault.forgetAll("data");
      else vault.forget(recall.partition);
    });
    const records = await openRecordsService(
      {
        region: installation.region,
        backupRetentionDays: 35,
        ...settings,
        ...(platform.replicated ? { lookEveryMs: LOOK_EVERY_MS } : {}),
      },
      {
        store,
        vault,
        pairwise,
        enforcer,
        answers,
        accessLog: await platform.openAccessLog(store),
        journal: await platform.journal(),
        relay,
        ...(platform.replicated ? { signals: events } : {}),
        identity: network.onOwn(),
        consent: network.onOwn(),
        pageTokens,
        terminology: await platform.terminology(),
        receiptKey: await openReceiptKey(kms),
        clock,
        times: createOrganizationTimes({ profile: installation.profile, identity: network.onOwn(), clock }),
        ids,
        log,
        readOnly: platform.readOnly,
      },
    );
    closers.push("records", () => records.close());
    const { compaction, routes } = records;
    const observed = async () => [{ value: (await compaction.waitingMs()) / 1_000 }];
    closers.push("signals of compaction", observeGauge("compactionAge", observed));
    return { routes, ready: (signal) => enforcer.ready(signal) };
  },
});
