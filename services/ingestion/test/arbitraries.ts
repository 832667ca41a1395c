import { acceptedCodes, LOINC } from "@wellapi/terminology";
import fc from "fast-check";
import type { Observation } from "../src/observation.ts";
import type { ComponentColumn, DecimalColumn, Series, SeriesValues } from "../src/series.ts";
import type { SentTime } from "../src/start.ts";

/** The clock of these tests. */
export const NOW = Date.UTC(2026, 0, 1);
/** The batches' zone. The local times below lie far from its changes. */
export const ZONE = "Europe/Berlin";

const codes = acceptedCodes();
const quantityCodes = codes.flatMap(({ system, code, ...rest }) =>
  rest.kind === "quantity" ? [{ coding: { system, code }, unit: rest.unit }] : [],
);
const convertible = [
  { coding: { system: "", code: "8867-4" }, unit: "Hz" },
  { coding: { system: LOINC, code: "29463-7" }, unit: "[lb_av]" },
  { coding: { system: "", code: "8310-5" }, unit: "[degF]" },
  { coding: { system: "", code: "55430-3" }, unit: "km" },
];
const sleep = codes.find(({ kind }) => kind === "coded")!;
const sleepValues = sleep.kind === "coded" ? sleep.values : [];

export const quantityCode = fc.constantFrom(...quantityCodes, ...convertible);
export const sleepCoding = { system: sleep.system, code: sleep.code };
export const sleepValue = fc.constantFrom(...sleepValues).map(({ code }) => ({ system: sleep.system, code }));

const instant: fc.Arbitrary<SentTime> = fc.record({
  start: fc.integer({ min: Date.UTC(1900, 0, 1), max: NOW - 700 * 86_400_000 }).map((ms) => ({
    kind: "instant" as const,
    seconds: Math.floor(ms / 1_000),
    nanos: (((ms % 1_000) + 1_000) % 1_000) * 1e6,
  })),
  offsetMinutes: fc.integer({ min: -1_080, max: 1_080 }),
});

const local: fc.Arbitrary<SentTime> = fc.record({
  start: fc
    .integer({ min: Date.UTC(2016, 4, 1), max: Date.UTC(2016, 7, 1) })
    .map((ms) => ({ kind: "local" as const, text: new Date(ms).toISOString().replace("Z", "") })),
  offsetMinutes: fc.constant(0),
});

export const sentTime = fc.oneof(instant, local);

function decimals(count: number): fc.Arbitrary<DecimalColumn> {
  const scale = fc.integer({ min: 0, max: 9 });
  const exactly = { minLength: count, maxLength: count };
  return fc.oneof(
    fc.record({
      scale,
      mantissas: fc.array(fc.integer(), exactly),
      wideMantissas: fc.constant<readonly bigint[]>([]),
    }),
    fc.record({
      scale,
      mantissas: fc.constant<readonly number[]>([]),
      wideMantissas: fc.array(
        fc.bigInt({ min: -BigInt(Number.MAX_SAFE_INTEGER), max: BigInt(Number.MAX_SAFE_INTEGER) }),
        exactly,
      ),
    }),
  );
}

function spacing(count: number): fc.Arbitrary<Series["times"]["spacing"]> {
  const gap = fc.integer({ min: 1, max: 3_600_000 });
  return fc.oneof(
    gap.map((periodMs) => ({ kind: "period" as const, periodMs })),
    fc
      .array(gap, { minLength: count - 1, maxLength: count - 1 })
      .map((gapsMs) => ({ kind: "gaps" as const, gapsMs })),
  );
}

export const bloodPressure = { system: "", code: "85354-9" };
const componentCodes = ["8480-6", "8462-4"] as const;

function components(count: number): fc.Arbitrary<readonly ComponentColumn[]> {
  const column = (code: string) =>
    decimals(count).map((column) => ({ ...column, coding: { system: "", code }, unit: "mm[Hg]" }));
  return fc
    .tuple(column(componentCodes[0]), column(componentCodes[1]), fc.boolean())
    .map(([systolic, diastolic, swapped]) => (swapped ? [diastolic, systolic] : [systolic, diastolic]));
}

type ValuesOf<K> = SeriesValues & { readonly kind: K };
export type SeriesOf<K extends SeriesValues["kind"]> = Series & { readonly values: ValuesOf<K> };

function series<K extends SeriesValues["kind"]>(
  concept: fc.Arbitrary<{ readonly coding: Series["coding"]; readonly unit: string }>,
  values: (count: number) => fc.Arbitrary<ValuesOf<K>>,
): fc.Arbitrary<SeriesOf<K>> {
  return fc.integer({ min: 2, max: 20 }).chain((count) =>
    fc
      .record({
        concept,
        time: sentTime,
        spacing: spacing(count),
        durationMs: fc.integer({ min: 0, max: 31 * 86_400_000 }),
        values: values(count),
      })
      .map(({ concept, time, spacing, durationMs, values }) => ({
        ...concept,
        times: { ...time, spacing, durationMs },
        values,
      })),
  );
}

export const quantitySeries = series(quantityCode, (count) =>
  decimals(count).map((column) => ({ kind: "quantity" as const, ...column })),
);
export const codedSeries = series(fc.constant({ coding: sleepCoding, unit: "" }), (count) =>
  fc
    .uniqueArray(sleepValue, { minLength: 1, selector: ({ code }) => code })
    .chain((dictionary) =>
      fc
        .array(fc.nat(dictionary.length - 1), { minLength: count, maxLength: count })
        .map((indexes) => ({ kind: "coded" as const, dictionary, indexes })),
    ),
);
export const componentSeries = series(fc.constant({ coding: bloodPressure, unit: "" }), (count) =>
  components(count).map((components) => ({ kind: "components" as const, components })),
);
export const anySeries: fc.Arbitrary<Series> = fc.oneof(quantitySeries, codedSeries, componentSeries);

/** A decimal by the contract's pattern whose digits fit 53 bits. */
const decimalText = fc
  .tuple(fc.integer({ min: -999_999, max: 999_999 }), fc.integer({ min: 0, max: 9 }))
  .map(([mantissa, scale]) => (mantissa / 10 ** Math.min(scale, 6)).toFixed(scale));

export type ObservationOf<K> = Observation & { readonly value: { readonly kind: K } };

const quantityObservation = fc.record({
  concept: quantityCode,
  time: sentTime,
  durationMs: fc.integer({ min: 0, max: 366 * 86_400_000 }),
  value: decimalText,
});

export const quantityRecord = quantityObservation.map(({ concept, time, durationMs, value }) => ({
  coding: concept.coding,
  time,
  durationMs,
  value: { kind: "quantity" as const, value, unit: concept.unit },
}));
export const codedRecord = fc.record({
  coding: fc.constant(sleepCoding),
  time: sentTime,
  durationMs: fc.constant(30_000),
  value: sleepValue.map((coding) => ({ kind: "coded" as const, coding })),
});
export const componentRecord = fc.record({
  coding: fc.constant(bloodPressure),
  time: sentTime,
  durationMs: fc.constant(0),
  value: fc.tuple(decimalText, decimalText).map((values) => ({
    kind: "components" as const,
    components: componentCodes.map((code, i) => ({
      coding: { system: LOINC, code },
      value: values[i]!,
      unit: "mm[Hg]",
    })),
  })),
});
export const anyRecord: fc.Arbitrary<Observation> = fc.oneof(quantityRecord, codedRecord, componentRecord);
