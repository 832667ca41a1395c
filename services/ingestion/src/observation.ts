import type { ItemJudgement } from "./item.ts";
import { MAX_OBSERVATION_DURATION_MS } from "./limits.ts";
import { judgeStart, type SentTime, type StartFields, type TimeContext } from "./start.ts";
import { type Violation, violation } from "./violation.ts";
import {
  type Coding,
  judgeCode,
  judgeCodedValue,
  judgeComponents,
  judgeUnit,
  type ValueFields,
} from "./vocabulary.ts";

/** One record. */
export interface Observation {
  readonly coding: Coding;
  readonly time: SentTime;
  readonly durationMs: number;
  readonly value: ObservationValue;
}

export type ObservationValue =
  | ({ readonly kind: "quantity" } & Quantity)
  | { readonly kind: "coded"; readonly coding: Coding }
  | {
      readonly kind: "components";
      readonly components: readonly (Quantity & { readonly coding: Coding })[];
    };

export interface Quantity {
  /** A decimal by the contract's pattern: no exponent, at most 9 digits after the point. */
  readonly value: string;
  /** UCUM. */
  readonly unit: string;
}

const startFields: StartFields = {
  instant: "effective_time",
  local: "local_effective_time",
  offset: "utc_offset_minutes",
};
const valueFields: ValueFields = { quantity: "quantity", coded: "coded", components: "components" };

export function judgeObservation(observation: Observation, context: TimeContext): ItemJudgement {
  const { time, durationMs, value } = observation;
  const found: Violation[] = [];
  judgeConcepts(observation, found);
  if (value.kind === "quantity") judgeDigits(value, "quantity.value", found);
  if (value.kind === "components") {
    for (const [index, component] of value.components.entries()) {
      judgeDigits(component, `components.components[${index}].quantity.value`, found);
    }
  }
  if (durationMs > MAX_OBSERVATION_DURATION_MS) {
    found.push(violation("duration_ms", "DURATION_TOO_LONG", "at most 366 days"));
  }
  const resolved = judgeStart(time, startFields, context, found);
  return { violations: found, resolved: time.start.kind === "local" ? resolved : undefined };
}

function judgeConcepts({ coding, value }: Observation, found: Violation[]): void {
  const definition = judgeCode(coding, value.kind, valueFields, found);
  if (definition === undefined) return;
  if (value.kind === "quantity") judgeUnit(definition.code, value.unit, "quantity.unit", found);
  if (value.kind === "coded") judgeCodedValue(definition, value.coding, "coded", found);
  if (value.kind === "components" && definition.kind === "components") {
    judgeComponents(definition, value.components, "quantity.unit", found);
  }
}

/** What is left without the point must be a safe integer. No such integer is rounded to a safe one. */
function judgeDigits({ value }: Quantity, field: string, found: Violation[]): void {
  if (!Number.isSafeInteger(Number(value.replace(".", "")))) {
    found.push(violation(field, "VALUE_OUT_OF_RANGE"));
  }
}
