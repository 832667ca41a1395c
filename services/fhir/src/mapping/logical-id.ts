/**
 * Logical ids of FHIR. A read by id names no patient in FHIR, and every read of ours does: so the id holds both, each as the caller's
 * own pairwise id. `<patient>.rec-<record>`, 57 of the 64 characters that FHIR gives.
 */

const bits = "[0-9a-hjkmnp-tv-z]{26}";
const logicalForm = new RegExp(
  `^(${bits})\\.(rec-${bits}|obs-${bits}-[0-9]{1,4}|dev-${bits}|ser-[0-9a-z]{16}-N?[0-9a-z]{1,10})$`,
);
const patientForm = new RegExp(`^pat-${bits}$`);
const referenceForm = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})((?:\/_history\/[0-9]{1,9})?(?:#.*)?)$/;
const innerForm = new RegExp(`^(rec-${bits}|obs-${bits}-[0-9]{1,4})$`);

export interface LogicalId {
  /** `pat_…` */
  readonly patient: string;
  /** `rec_…`, `obs_…_…`, `dev_…`, or `ser_…_…` of an Observation that is made of samples */
  readonly record: string;
}

export function formatLogicalId({ patient, record }: LogicalId): string {
  return `${patient.slice("pat_".length)}.${record.replaceAll("_", "-")}`;
}

/** Undefined for a text that is no id of this server. */
export function parseLogicalId(text: string): LogicalId | undefined {
  const [, patient, record] = logicalForm.exec(text) ?? [];
  return patient === undefined
    ? undefined
    : { patient: `pat_${patient}`, record: record!.replaceAll("-", "_") };
}

/** `Patient/pat-…` holds the id of the contracts with a hyphen, because FHIR's ids have no underscore. */
export function patientIdOf(text: string): string | undefined {
  return patientForm.test(text) ? text.replace("-", "_") : undefined;
}

export function fhirPatientId(patient: string): string {
  return patient.replace("_", "-");
}

/** A reference as the contracts write it (`Condition/rec-…`), as clients of this server see it. */
export function outwardReference(patient: string, reference: string): string {
  const [, type, id, rest] = referenceForm.exec(reference) ?? [];
  if (type === undefined || !innerForm.test(id!)) return reference;
  return `${type}/${patient.slice("pat_".length)}.${id}${rest}`;
}

/**
 * A reference as a client writes it, as the contracts do; `undefined` where it names a record of another patient. What names nothing of
 * this server stays as it is.
 */
export function inwardReference(patient: string, base: string, reference: string): string | undefined {
  const relative = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
  const [, type, id, rest] = referenceForm.exec(relative) ?? [];
  const logical = type === undefined ? undefined : parseLogicalId(id!);
  if (logical === undefined)
    return type !== undefined && patientIdOf(id!) !== undefined ? relative : reference;
  if (logical.patient !== patient) return undefined;
  return `${type}/${logical.record.replaceAll("_", "-")}${rest}`;
}
