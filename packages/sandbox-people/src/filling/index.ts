export { batchOf, samplesIn } from "./batches.ts";
export {
  createFilling,
  type Filled,
  type Filling,
  type Progress,
  revokerPermits,
  type Wanted,
} from "./filling.ts";
export { FillingError } from "./filling-error.ts";
export { createTestPatients, type TestPatient, type TestPatients } from "./test-patients.ts";
export { type Range, windowsOf } from "./windows.ts";
