import fitbit from "./fitbit/mapping.json" with { type: "json" };
import googleFit from "./google-fit/mapping.json" with { type: "json" };
import openMHealth from "./open-mhealth/mapping.json" with { type: "json" };
import withings from "./withings/mapping.json" with { type: "json" };

/** A vendor's name for what is measured, and the code under which this package stores it. */
export interface VendorCode {
  /** As `vendors` names it. */
  readonly vendor: string;
  /** As the vendor's documents have it, with the part of the document before it: `measure/1`, `body/weight`. */
  readonly name: string;
  /** Of the exchange; undefined where it is not stored. */
  readonly code: string | undefined;
  /** UCUM, in which the vendor sends it; undefined where the document says it. */
  readonly unit: string | undefined;
  /** Why it is not stored. */
  readonly why?: string;
}

type Targets = Readonly<Record<string, { readonly code: string; readonly unit?: string }>>;

/** Every name that the vendors' tables have. */
export const vendorCodes: readonly VendorCode[] = [
  ...stored("fitbit", "", fitbit.timeSeries),
  ...stored("fitbit", "summary/", { ...fitbit.summary, distance: fitbit.distance }),
  ...stored("fitbit", "activity/", fitbit.activity),
  ...stored("fitbit", "body/", fitbit.body),
  ...stored("fitbit", "sleep/", minutes({ ...fitbit.sleepMinutes, asleep: fitbit.asleep })),
  ...stored("google-fit", "", googleFit.types),
  ...notStored("google-fit", "", googleFit.notTaken),
  ...stored("withings", "measure/", {
    ...withings.measures,
    [withings.pressure.systolic.type]: withings.pressure.systolic,
    [withings.pressure.diastolic.type]: withings.pressure.diastolic,
  }),
  ...notStored("withings", "measure/", withings.notTaken),
  ...stored("withings", "activity/", withings.activity),
  ...Object.entries(openMHealth.measures).flatMap(([schema, { fields }]) =>
    stored(schema.startsWith("ieee:") ? "ieee-1752" : "open-mhealth", `${schema}/`, fields as Targets),
  ),
];

function stored(vendor: string, part: string, targets: Targets): VendorCode[] {
  return Object.entries(targets).map(([name, { code, unit }]) => ({ vendor, name: part + name, code, unit }));
}

function notStored(vendor: string, part: string, reasons: Readonly<Record<string, string>>): VendorCode[] {
  return Object.entries(reasons).map(([name, why]) => ({
    vendor,
    name: part + name,
    code: undefined,
    unit: undefined,
    why,
  }));
}

function minutes(codes: Readonly<Record<string, string>>): Targets {
  return Object.fromEntries(Object.entries(codes).map(([name, code]) => [name, { code, unit: "min" }]));
}
