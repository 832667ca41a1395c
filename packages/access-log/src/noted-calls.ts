/**
 * What an entry tells a patient of, beside consents, of which the consent service tells itself. `read`: somebody else read of the record. `retraction`: a contributor took back what it had
 * sent. `erasure`: nothing of the patient is left to be told of.
 */
export type Topic = "emergency" | "delegation" | "retraction" | "read" | "erasure";

const reads: Readonly<Record<string, readonly string[]>> = {
  "wellapi.records.v1.RecordsService": [
    "ReadSeries",
    "WatchSeries",
    "QuerySeries",
    "ListSeries",
    "AggregateSeries",
    "MergeSeries",
    "ListObservations",
    "SearchObservations",
    "GetObservation",
  ],
  "wellapi.records.v1.ClinicalRecordsService": [
    "GetClinicalRecord",
    "ListClinicalRecords",
    "ListClinicalRecordVersions",
  ],
  "wellapi.records.v1.ExportService": ["ReadDeIdentified"],
};

/** The RPCs of whose permitted calls patients may want to know, `<service>/<method>`; a test compares it with the contracts. */
export const notedCalls: ReadonlyMap<string, Topic> = new Map<string, Topic>([
  ["wellapi.consent.v1.EmergencyService/OpenEmergencyAccess", "emergency"],
  ["wellapi.identity.v1.DelegationService/AcceptDelegation", "delegation"],
  ["wellapi.ingestion.v1.IngestionService/RetractBatch", "retraction"],
  ["wellapi.records.v1.RecordsService/ErasePatient", "erasure"],
  ...Object.entries(reads).flatMap(([service, methods]) =>
    methods.map((method): [string, Topic] => [`${service}/${method}`, "read"]),
  ),
]);
