import { LOINC, mantissaBounds, type QuantityCode, shippedTerminology } from "@wellapi/terminology";
import fc from "fast-check";
import type { DecimalColumn } from "../src/decimal-column.ts";
import type { Observation } from "../src/observation.ts";
import type { SampleTimes } from "../src/sample-times.ts";
import type { ComponentColumn, Series, SeriesValues } from "../src/series.ts";
import type { SentTime } from "../src/start.ts";
import type { Component } from "../src/value.ts";

/** The clock of these tests. */
export const NOW = Date.UTC(2026, 0, 1);
/** The batches' zone. The local times below lie far from its changes. */
export const ZONE = "Europe/Berlin";

const DAY = 86_400_000;
const INSTANT = 1;
const EPISODE = 6;
const INT32 = 2 ** 31 - 1;

export const coding = (code: string, system = "") => ({ system, code, display: "" });

/** A code with a unit in which its values are sent. */
interface Measured {
  readonly definition: QuantityCode;
  readonly coding: ReturnType<typeof coding>;
  readonly unit: string;
}

const { codes } = shippedTerminology;
const measured = codes.flatMap((definition): Measured[] =>
  definition.kind === "quantity"
    ? [{ definition, coding: coding(definition.code, definition.system), unit: definition.unit }]
    : [],
);
const converted = [
  ["8867-4", "Hz"],
  ["29463-7", "[lb_av]"],
  ["8310-5", "[degF]"],
  ["55430-3", "km"],
].map(([code, unit]): Measured => {
  const { definition } = measured.find((one) => one.coding.code === code)!;
  return { definition, coding: coding(code!), unit: unit! };
});
const sleep = codes.find(({ kind }) => kind === "coded")!;
const sleepValues = sleep.kind === "coded" ? sleep.values : [];
const panel = codes.find(({ kind }) => kind === "components")!;
const panelComponents = panel.kind === "components" ? panel.components : [];

const quantityCode = fc.constantFrom(...measured, ...converted);
export const sleepCoding = coding(sleep.code, sleep.system);
const sleepValue = fc.constantFrom(...sleepValues).map(({ code }) => coding(code, sleep.system));
export const bloodPressure = coding("85354-9");

const instant: fc.Arbitrary<SentTime> = fc.record({
  start: fc.integer({ min: Date.UTC(1900, 0, 1), max: NOW - 700 * DAY }).map((ms) => ({
    kind: "instant" as const,
    seconds: Math.floor(ms / 1_000),
    nanos: (((ms % 1_000) + 1_000) % 1_000) * 1e6,
  })),
  offsetMinutes: fc.integer({ min: -1_080, max: 1_080 }),
});

/** In summer: local, or with its offset. */
const text: fc.Arbitrary<SentTime> = fc.record({
  start: fc
    .tuple(
      fc.integer({ min: Date.UTC(2016, 4, 1), max: Date.UTC(2016, 7, 1) }),
      fc.constantFrom("", "Z", "+02:00", "-05:30"),
    )
    .map(([ms, offset]) => ({
      kind: "text" as const,
      text: new Date(ms).toISOString().replace("Z", offset),
    })),
  offsetMinutes: fc.constant(undefined),
});

export const sentTime = fc.oneof(instant, text);

/** Mantissas that stand for what a body can have. */
function mantissa({ definition, unit }: Pick<Measured, "definition" | "unit">, scale: number, most: number) {
  const { low, high } = mantissaBounds(definition.plausible, definition.unit, unit, scale);
  return fc.integer({ min: low, max: Math.min(high, most) });
}

export function decimalText(mantissa: number, scale: number): string {
  const digits = String(Math.abs(mantissa)).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${mantissa < 0 ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(-scale)}`}`;
}

const none = {
  mantissas: [] as readonly number[],
  wideMantissas: [] as readonly bigint[],
  texts: [] as readonly string[],
};

function decimals(what: Pick<Measured, "definition" | "unit">, count: number): fc.Arbitrary<DecimalColumn> {
  const exactly = { minLength: count, maxLength: count };
  // At a finer scale the least that is plausible may need more than 32 bits, or hold no value at a coarser one.
  const narrow = fc
    .constantFrom(
      ...[1, 2, 3].filter(
        (scale) =>
          mantissaBounds(what.definition.plausible, what.definition.unit, what.unit, scale).low < INT32,
      ),
    )
    .chain((scale) =>
      fc.array(mantissa(what, scale, INT32), exactly).map((mantissas) => ({ ...none, scale, mantissas })),
    );
  const wide = fc
    .integer({ min: 1, max: 9 })
    .chain((scale) =>
      fc
        .array(mantissa(what, scale, Number.MAX_SAFE_INTEGER), exactly)
        .map((mantissas) => ({ ...none, scale, wideMantissas: mantissas.map(BigInt) })),
    );
  const written = fc.array(
    fc
      .integer({ min: 1, max: 3 })
      .chain((scale) => mantissa(what, scale, INT32).map((one) => decimalText(one, scale))),
    exactly,
  );
  return fc.oneof(
    narrow,
    wide,
    written.map((texts) => ({ ...none, scale: 0, texts })),
  );
}

function spacing(count: number): fc.Arbitrary<SampleTimes["spacing"]> {
  const gap = fc.integer({ min: 1, max: 3_600_000 });
  return fc.oneof(
    gap.map((periodMs) => ({ kind: "period" as const, periodMs })),
    fc
      .array(gap, { minLength: count - 1, maxLength: count - 1 })
      .map((gapsMs) => ({ kind: "gaps" as const, gapsMs })),
  );
}

/** Lengths, with the class that fits them. */
function lengths(count: number) {
  const length = fc.integer({ min: 1, max: 30 * DAY });
  return fc.oneof(
    fc
      .constantFrom(0, INSTANT)
      .map((granularity) => ({ durationMs: 0, durationsMs: [] as number[], granularity })),
    fc.record({
      durationMs: length,
      durationsMs: fc.constant<number[]>([]),
      granularity: fc.integer({ min: 2, max: EPISODE }),
    }),
    fc.record({
      durationMs: fc.constant(0),
      durationsMs: fc.array(length, { minLength: count, maxLength: count }),
      granularity: fc.constant(EPISODE),
    }),
  );
}

const captured = {
  device: fc.constantFrom(undefined, { identifier: "serial-1", model: "Band" }),
  method: fc.integer({ min: 0, max: 4 }),
};

type ValuesOf<K> = SeriesValues & { readonly kind: K };
export type SeriesOf<K extends SeriesValues["kind"]> = Series & {
  readonly coding: NonNullable<Series["coding"]>;
  readonly times: SampleTimes;
  readonly values: ValuesOf<K>;
};
export type GoodSeries = SeriesOf<SeriesValues["kind"]>;

function series<K extends SeriesValues["kind"], C extends Pick<SeriesOf<K>, "coding" | "unit">>(
  concept: fc.Arbitrary<C>,
  values: (count: number, concept: C) => fc.Arbitrary<ValuesOf<K>>,
): fc.Arbitrary<SeriesOf<K>> {
  return fc.tuple(concept, fc.integer({ min: 2, max: 20 })).chain(([one, count]) =>
    fc
      .record({
        time: sentTime,
        spacing: spacing(count),
        lengths: lengths(count),
        values: values(count, one),
        ...captured,
      })
      .map(
        ({ time, spacing, lengths: { durationMs, durationsMs, granularity }, values, device, method }) => ({
          coding: one.coding,
          unit: one.unit,
          device,
          method,
          granularity,
          times: { ...time, spacing, durationMs, durationsMs },
          values,
        }),
      ),
  );
}

export const quantitySeries = series<"quantity", Measured>(quantityCode, (count, what) =>
  decimals(what, count).map((column) => ({ kind: "quantity" as const, ...column })),
);
export const codedSeries = series<"coded", { coding: typeof sleepCoding; unit: string }>(
  fc.constant({ coding: sleepCoding, unit: "" }),
  (count) =>
    fc
      .uniqueArray(sleepValue, { minLength: 1, selector: ({ code }) => code })
      .chain((dictionary) =>
        fc
          .array(fc.nat(dictionary.length - 1), { minLength: count, maxLength: count })
          .map((indexes) => ({ kind: "coded" as const, dictionary, indexes })),
      ),
);

function columns(count: number): fc.Arbitrary<readonly ComponentColumn[]> {
  const column = (definition: QuantityCode) =>
    decimals({ definition, unit: "mm[Hg]" }, count).map((decimals) => ({
      coding: coding(definition.code),
      unit: "mm[Hg]",
      decimals,
    }));
  return fc
    .tuple(column(panelComponents[0]!), column(panelComponents[1]!), fc.boolean())
    .map(([systolic, diastolic, swapped]) => (swapped ? [diastolic, systolic] : [systolic, diastolic]));
}

export const componentSeries = series<"components", { coding: typeof bloodPressure; unit: string }>(
  fc.constant({ coding: bloodPressure, unit: "" }),
  (count) => columns(count).map((components) => ({ kind: "components" as const, components })),
);
export const anySeries: fc.Arbitrary<GoodSeries> = fc.oneof(quantitySeries, codedSeries, componentSeries);

/** A good value of a code as text. */
function plausibleText(what: Pick<Measured, "definition" | "unit">): fc.Arbitrary<string> {
  return fc
    .integer({ min: 1, max: 4 })
    .chain((scale) => mantissa(what, scale, Number.MAX_SAFE_INTEGER).map((one) => decimalText(one, scale)));
}

const plain = {
  absentReason: undefined,
  components: [] as readonly Component[],
  segments: [],
  status: 0,
  more: undefined,
} as const;

const length = fc.oneof(
  fc.constant({ durationMs: 0, granularity: 0 }),
  fc.record({
    durationMs: fc.integer({ min: 1, max: 366 * DAY }),
    granularity: fc.integer({ min: 2, max: EPISODE }),
  }),
);

export type GoodObservation<V = Observation["value"]> = Observation & {
  readonly coding: NonNullable<Observation["coding"]>;
  readonly value: V;
};
type ValueOf<K> = Extract<NonNullable<Observation["value"]>, { kind: K }>;

export const quantityRecord: fc.Arbitrary<GoodObservation<ValueOf<"quantity">>> = quantityCode.chain((what) =>
  fc
    .record({ time: sentTime, length, value: plausibleText(what), ...captured })
    .map(({ time, length, value, ...rest }) => ({
      ...plain,
      ...rest,
      ...length,
      coding: what.coding,
      time,
      value: { kind: "quantity" as const, quantity: { value, unit: what.unit } },
    })),
);
export const codedRecord: fc.Arbitrary<GoodObservation<ValueOf<"coded">>> = fc
  .record({ time: sentTime, length, value: sleepValue, ...captured })
  .map(({ time, length, value, ...rest }) => ({
    ...plain,
    ...rest,
    ...length,
    coding: sleepCoding,
    time,
    value: { kind: "coded" as const, coding: value },
  }));

function component(
  definition: QuantityCode,
): fc.Arbitrary<Component & { readonly value: ValueOf<"quantity"> }> {
  return plausibleText({ definition, unit: definition.unit }).map((value) => ({
    coding: coding(definition.code, LOINC),
    value: { kind: "quantity" as const, quantity: { value, unit: definition.unit } },
    absentReason: undefined,
    interpretations: [],
    referenceRanges: [],
  }));
}

export const componentRecord = fc
  .record({
    time: sentTime,
    length,
    components: fc.tuple(component(panelComponents[0]!), component(panelComponents[1]!)),
    ...captured,
  })
  .map(({ time, length, components, ...rest }) => ({
    ...plain,
    ...rest,
    ...length,
    coding: bloodPressure,
    time,
    components,
    value: undefined,
  }));
export const anyRecord: fc.Arbitrary<GoodObservation> = fc.oneof(
  quantityRecord,
  codedRecord,
  componentRecord,
);
