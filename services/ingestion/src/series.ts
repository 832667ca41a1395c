import type { CodeDefinition, Terminology } from "@wellapi/terminology";
import { type DecimalColumn, formOf, judgeDecimals, lengthOf } from "./decimal-column.ts";
import { type Coding, type Device, judgeCapture, judgeLength } from "./form.ts";
import { type Granularity, judgeGranularity } from "./granularity.ts";
import type { ItemJudgement } from "./item.ts";
import { MAX_COLUMNS, MAX_DICTIONARY } from "./limits.ts";
import { judgeTimes, type SampleTimes } from "./sample-times.ts";
import type { TimeContext } from "./start.ts";
import { firstViolation, type Violation, violation } from "./violation.ts";
import { judgeCode, judgeCodedValue, judgePanel, judgeUnit } from "./vocabulary.ts";

/** Samples as columns. The columns are those of the message: they are read, never copied. */
export interface Series {
  readonly coding: Coding | undefined;
  /** UCUM; empty for coded and component values. */
  readonly unit: string;
  readonly device: Device | undefined;
  readonly method: number;
  readonly granularity: Granularity;
  readonly times: SampleTimes | undefined;
  readonly values: SeriesValues | undefined;
}

export type SeriesValues =
  | ({ readonly kind: "quantity" } & DecimalColumn)
  | { readonly kind: "coded"; readonly dictionary: readonly Coding[]; readonly indexes: readonly number[] }
  | { readonly kind: "components"; readonly components: readonly ComponentColumn[] };

export interface ComponentColumn {
  readonly coding: Coding | undefined;
  readonly unit: string;
  /** Undefined where it was not sent. */
  readonly decimals: DecimalColumn | undefined;
}

/** The contract's names of the shapes of values. */
const fields = { quantity: "decimals", coded: "coded", components: "components" } as const;

/** Number of samples: the longest column of values; a shorter one is a mistake with its own violation. */
export function sampleCount({ values }: Series): number {
  switch (values?.kind) {
    case undefined:
      return 0;
    case "quantity":
      return lengthOf(values);
    case "coded":
      return values.indexes.length;
    case "components":
      return values.components.reduce(
        (most, { decimals }) => Math.max(most, decimals ? lengthOf(decimals) : 0),
        0,
      );
  }
}

export function judgeSeries(series: Series, context: TimeContext, terminology: Terminology): ItemJudgement {
  const { times, values } = series;
  const found: Violation[] = [];
  const count = sampleCount(series);
  if (values === undefined)
    found.push(violation("", "VALUE_REQUIRED", "set `decimals`, `coded` or `components`"));
  else if (count === 0) found.push(violation("", "SERIES_EMPTY"));
  judgeConcepts(series, count, found, terminology);
  judgeCapture(series.device, series.method, found);
  const durations = times?.durationsMs.length ? undefined : (times?.durationMs ?? 0);
  judgeGranularity(series.granularity, durations, found);
  const first = judgeTimes(times, count, context, found);
  return { violations: found, resolved: times?.start.kind === "text" ? first : undefined };
}

/** Judges code, unit and values. Mistakes in their form are reported also where the code is not known. */
function judgeConcepts(series: Series, count: number, found: Violation[], terminology: Terminology): void {
  const { coding, values } = series;
  if (values === undefined) {
    judgeCode(terminology, coding, found);
    return;
  }
  const known = judgeCode(terminology, coding, found);
  const definition = known?.kind === values.kind ? known : undefined;
  if (known !== undefined && definition === undefined) {
    found.push(violation(fields[values.kind], "VALUE_WRONG_KIND", remedyFor(known)));
  }
  const unitFits =
    definition !== undefined && judgeUnit(terminology, definition.code, series.unit, "unit", found);
  switch (values.kind) {
    case "quantity": {
      const quantity =
        unitFits && definition.kind === "quantity" ? { definition, unit: series.unit } : undefined;
      judgeDecimals(values, quantity, "decimals", found);
      return;
    }
    case "coded":
      judgeDictionary(terminology, definition, values.dictionary, found);
      judgeIndexes(values.indexes, values.dictionary.length, found);
      return;
    case "components":
      judgeComponents(terminology, definition, values.components, count, found);
  }
}

function remedyFor({ kind }: CodeDefinition): string {
  return kind in fields
    ? `send \`${fields[kind as keyof typeof fields]}\``
    : `send it as an observation, with its ${kind === "session" ? "segments" : kind}`;
}

function judgeDictionary(
  terminology: Terminology,
  definition: CodeDefinition | undefined,
  dictionary: readonly Coding[],
  found: Violation[],
): void {
  if (!judgeLength(dictionary, MAX_DICTIONARY, "coded.dictionary", found) || definition === undefined) return;
  for (const [index, value] of dictionary.entries()) {
    judgeCodedValue(terminology, definition, value, `coded.dictionary[${index}]`, found);
  }
}

function judgeComponents(
  terminology: Terminology,
  definition: CodeDefinition | undefined,
  components: readonly ComponentColumn[],
  count: number,
  found: Violation[],
): void {
  const path = "components.components";
  if (!judgeLength(components, MAX_COLUMNS, path, found)) return;
  const fitting = new Map<ComponentColumn, Parameters<typeof judgeDecimals>[1]>();
  if (definition?.kind === "components") {
    judgePanel(definition, components, path, found, (component, one, field) => {
      if (judgeUnit(terminology, one.code, component.unit, `${field}.unit`, found)) {
        fitting.set(component, { definition: one, unit: component.unit });
      }
    });
  }
  for (const [index, component] of components.entries()) {
    const { decimals } = component;
    const field = `${path}[${index}].decimals`;
    if (decimals === undefined) {
      found.push(violation(field, "VALUE_REQUIRED"));
      continue;
    }
    if (lengthOf(decimals) !== count)
      found.push(violation(`${field}.${formOf(decimals)}`, "LENGTH_MISMATCH"));
    judgeDecimals(decimals, fitting.get(component), field, found);
  }
}

function judgeIndexes(indexes: readonly number[], size: number, found: Violation[]): void {
  let first = -1;
  let wrong = 0;
  for (let i = 0; i < indexes.length; i++) {
    if (indexes[i]! >= size) {
      if (wrong === 0) first = i;
      wrong++;
    }
  }
  if (wrong > 0) found.push(firstViolation(`coded.indexes[${first}]`, "INDEX_OUT_OF_RANGE", wrong));
}
