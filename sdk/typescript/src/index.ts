export { Code, createClient } from "@connectrpc/connect";
export {
  ReceiptError,
  type ReceiptErrorCode,
  type ReceiptKind,
  type VerifiedReceipt,
  verifyAnyReceipt,
  verifyReceipt,
} from "@wellapi/receipts";
export { type BatchOptions, batchesOf, type Row } from "./batches.ts";
export {
  type ClinicalBatchOptions,
  type ClinicalClient,
  clinicalBatchesOf,
  listClinicalRecords,
  listClinicalRecordVersions,
} from "./clinical.ts";
export {
  type ClientCertificate,
  type Connection,
  connect,
  type DoorOptions,
  type GatewayOptions,
  type KeepAlive,
} from "./connection.ts";
export type { Deprecation } from "./deprecations.ts";
export { ClientError, type ClientErrorCode, WellApiError } from "./errors.ts";
export { paginate } from "./pages.ts";
export { openProgressFile, type ProgressFile, type UploadProgress } from "./progress.ts";
export {
  aggregateSeries,
  listObservations,
  listSeries,
  type MergeSeriesOptions,
  mergeSeries,
  querySeries,
  type ReadSeriesOptions,
  type RecordsClient,
  readSeries,
} from "./reads.ts";
export type { Retries } from "./retries.ts";
export { decimalText, type Sample, samplesOf } from "./samples.ts";
export { connectAsPatient, issuePatientToken } from "./sandbox.ts";
export {
  type Answer,
  type UploadOptions,
  uploadClinicalRecords,
  uploadObservations,
  uploadSeries,
} from "./upload.ts";
export {
  describeSteps,
  type TrustedKeys,
  trustedKeys,
  type VerifiedAccess,
  verifyLogGrowth,
  verifyLoggedAccess,
} from "./verification.ts";
export { type EventClient, type WatchOptions, watchEvents, watchRequests, watchSeries } from "./watch.ts";
export { type LogFinding, verifyWholeLog, type WholeLog } from "./whole-log.ts";
