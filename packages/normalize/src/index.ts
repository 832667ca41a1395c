export { NormalizeError, type NormalizeErrorCode } from "./errors.ts";
export type { ObservationInit } from "./findings.ts";
export type { SeriesInit } from "./gather.ts";
export type { Item, Note, Place, Problem } from "./item.ts";
export { type Normalized, normalize, type VendorDocument } from "./normalize.ts";
export type { Concept } from "./point.ts";
export { type Run, runsOf } from "./runs.ts";
export { type VendorCode, vendorCodes } from "./vendor-codes.ts";
export { vendors } from "./vendors.ts";
