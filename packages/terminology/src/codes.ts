/** LOINC (loinc.org, Regenstrief Institute), as FHIR names it. */
export const LOINC = "http://loinc.org";

/**
 * Our own code system for what LOINC has no code for. LOINC has codes for how long each stage of sleep
 * lasted (93829-0 and its neighbours), none for the stage at an instant or in an epoch, which is what a
 * wearable sends. HL7's Personal Health Record guide (in ballot) also makes its own
 * (`sleep-analysis-codes`: `inBed`, `asleepUnspecified`, `awake`, `asleepREM`, `asleepCore`, `asleepDeep`);
 * when it is published, map to it at the FHIR edge.
 */
export const SLEEP_STAGE_SYSTEM = "https://wellapi.dev/fhir/CodeSystem/sleep-stage-observation";

interface CodeDefinitionBase {
  /** LOINC or `SLEEP_STAGE_SYSTEM`. */
  readonly system: string;
  /** Unique over all systems here, so it may stand alone as a key. */
  readonly code: string;
  /** LOINC's long common name where the system is LOINC. */
  readonly display: string;
}

/** A number with a unit at each time. */
export interface QuantityCode extends CodeDefinitionBase {
  readonly kind: "quantity";
  /** UCUM. Values are stored in the unit that was sent and converted to this one, or another, on read. */
  readonly unit: string;
}

/** One concept of a closed set at each time. */
export interface CodedCode extends CodeDefinitionBase {
  readonly kind: "coded";
  /** The system of all `values`. */
  readonly valueSystem: string;
  readonly values: readonly { readonly code: string; readonly display: string }[];
}

/** Several numbers at each time. */
export interface ComponentsCode extends CodeDefinitionBase {
  readonly kind: "components";
  readonly components: readonly QuantityCode[];
}

export type CodeDefinition = QuantityCode | CodedCode | ComponentsCode;

function quantity(code: string, display: string, unit: string): QuantityCode {
  return { system: LOINC, code, display, kind: "quantity", unit };
}

/**
 * Every code that a series may have. LOINC codes and names were checked against HL7's published value sets
 * (FHIR vital signs, US Physical Activity, Personal Health Record) and, where HL7 lists none (41981-2,
 * 55430-3, 80404-7, 41982-0), against the mappings of several independent implementations.
 */
const definitions: readonly CodeDefinition[] = [
  quantity("8867-4", "Heart rate", "/min"),
  quantity("40443-4", "Heart rate --resting", "/min"),
  // SDNN, not RMSSD: LOINC has no code for RMSSD, and the two are not comparable.
  quantity("80404-7", "R-R interval.standard deviation (Heart rate variability)", "ms"),

  quantity("55423-8", "Number of steps in unspecified time Pedometer", "{steps}"),
  // A rate by LOINC's property (NRat), hence per day.
  quantity("41950-7", "Number of steps in 24 hour Measured", "{steps}/d"),
  quantity("41981-2", "Calories burned", "kcal"),
  quantity("55430-3", "Walking distance unspecified time Pedometer", "m"),

  // Minutes, not hours: trackers count minutes, and 472 min has no short form in hours.
  quantity("93832-4", "Sleep duration", "min"),
  quantity("93831-6", "Deep sleep duration", "min"),
  quantity("93830-8", "Light sleep duration", "min"),
  quantity("93829-0", "REM sleep duration", "min"),
  {
    system: SLEEP_STAGE_SYSTEM,
    code: "sleep-stage",
    display: "Sleep stage",
    kind: "coded",
    valueSystem: SLEEP_STAGE_SYSTEM,
    values: [
      { code: "awake", display: "Awake" },
      { code: "light", display: "Light sleep" },
      { code: "deep", display: "Deep sleep" },
      { code: "rem", display: "REM sleep" },
      { code: "asleep", display: "Asleep, stage not known" },
      { code: "unknown", display: "Not known" },
    ],
  },

  quantity("29463-7", "Body weight", "kg"),
  quantity("8302-2", "Body height", "cm"),
  quantity("39156-5", "Body mass index (BMI) [Ratio]", "kg/m2"),
  quantity("41982-0", "Percentage of body fat Measured", "%"),

  quantity("2339-0", "Glucose [Mass/volume] in Blood", "mg/dL"),
  quantity("15074-8", "Glucose [Moles/volume] in Blood", "mmol/L"),

  {
    system: LOINC,
    code: "85354-9",
    display: "Blood pressure panel with all children optional",
    kind: "components",
    components: [
      quantity("8480-6", "Systolic blood pressure", "mm[Hg]"),
      quantity("8462-4", "Diastolic blood pressure", "mm[Hg]"),
    ],
  },

  quantity("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%"),
  quantity("9279-1", "Respiratory rate", "/min"),
  quantity("8310-5", "Body temperature", "Cel"),
];

const byCode: ReadonlyMap<string, CodeDefinition> = new Map(
  definitions.map((definition) => [definition.code, definition]),
);

const componentsByCode: ReadonlyMap<string, QuantityCode> = new Map(
  definitions.flatMap((definition) =>
    definition.kind === "components"
      ? definition.components.map((component) => [component.code, component] as const)
      : [],
  ),
);

/** Every accepted code, in the order of the table. */
export function acceptedCodes(): readonly CodeDefinition[] {
  return definitions;
}

/**
 * The definition of a code that a series may have; undefined for any other, also for a component (8480-6),
 * which exists only inside its panel.
 *
 * @param system empty means LOINC, as in the contracts
 */
export function findCode(code: string, system = ""): CodeDefinition | undefined {
  const definition = byCode.get(code);
  return definition?.system === (system || LOINC) ? definition : undefined;
}

/** The definition of `code`, a series' or a component's, in whatever system it is. */
export function findAnyCode(code: string): CodeDefinition | undefined {
  return byCode.get(code) ?? componentsByCode.get(code);
}

/** Whether `value` is in the closed set of the coded code `code`. Displays decide nothing. */
export function isAllowedValue(
  code: string,
  value: { readonly system: string; readonly code: string },
): boolean {
  const definition = byCode.get(code);
  return (
    definition?.kind === "coded" &&
    value.system === definition.valueSystem &&
    definition.values.some((allowed) => allowed.code === value.code)
  );
}
