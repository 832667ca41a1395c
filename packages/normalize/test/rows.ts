import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { type Decimals, SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import { type Normalized, normalize, type VendorDocument } from "../src/index.ts";

export const NOW = Date.UTC(2026, 10, 1);

export function payload(path: string): Buffer {
  return readFileSync(new URL(`../../../test/data/vendors/${path}`, import.meta.url));
}

export function read(
  vendor: string,
  document: Uint8Array | object,
  beside: Partial<VendorDocument> = {},
): Normalized {
  const bytes = document instanceof Uint8Array ? document : Buffer.from(JSON.stringify(document));
  const whole = { vendor, bytes, timeZone: "America/Los_Angeles", date: "", user: "4711", ...beside };
  return normalize(whole, shippedTerminology, NOW);
}

/** Of each sample: `code value unit | local time with its offset | seconds that it is about | granularity`. */
export function samplesOf({ series }: Normalized): string[] {
  return series.flatMap((init) => {
    const { code, unit, times, values, granularity } = create(SeriesSchema, init);
    const { start, spacing, utcOffsetMinutes, durationMs, durationsMs } = times!;
    const count =
      values.case === "coded"
        ? values.value.indexes.length
        : decimalsOf(values.case === "components" ? values.value.components[0]!.decimals! : values.value!)
            .length;
    let timeMs = timestampMs(start.value as never);
    return Array.from({ length: count }, (_, i) => {
      if (i > 0) timeMs += spacing.case === "gaps" ? spacing.value.gapsMs[i - 1]! : (spacing.value as number);
      const value =
        values.case === "coded"
          ? values.value.dictionary[values.value.indexes[i]!]!.code
          : values.case === "components"
            ? values.value.components
                .map((one) => `${one.code!.code} ${decimalsOf(one.decimals!)[i]} ${one.unit}`)
                .join(", ")
            : `${decimalsOf(values.value!)[i]} ${unit}`;
      const seconds = (durationsMs[i] ?? durationMs) / 1_000;
      return `${code!.code} ${value} | ${local(timeMs, utcOffsetMinutes!)} | ${seconds} | ${Granularity[granularity]}`;
    });
  });
}

/** Of each observation: as `samplesOf`; then what sums it up, and its parts from its start on, in seconds. */
export function recordsOf({ observations }: Normalized): string[] {
  return observations.map((init) => {
    const { code, effective, utcOffsetMinutes, durationMs, value, components, segments } = create(
      ObservationSchema,
      init,
    );
    const own = value.case === "quantity" ? ` ${value.value.value} ${value.value.unit}` : "";
    const time = local(timestampMs(effective.value as never), utcOffsetMinutes!);
    const sums = components.map(
      ({ code: one, value: sum }) =>
        `${one!.code} ${sum.case === "quantity" ? `${sum.value.value} ${sum.value.unit}` : "?"}`,
    );
    const parts = segments.map(
      ({ kind, startOffsetMs, durationMs: part }) => `${kind!.code} ${startOffsetMs / 1_000}+${part / 1_000}`,
    );
    const all = [`${code!.code}${own}`, time, String(Number(durationMs) / 1_000), ...sums, ...parts];
    return all.join(" | ");
  });
}

/** Of each measurement that was refused: `path REASON`. */
export function problemsOf({ items }: Normalized): string[] {
  return items.flatMap((item) => ("problem" in item ? [`${item.problem.field} ${item.problem.reason}`] : []));
}

function decimalsOf({ scale, mantissas, wideMantissas }: Decimals): string[] {
  return [...mantissas, ...wideMantissas.map(Number)].map((mantissa) => {
    const digits = String(mantissa).padStart(scale + 1, "0");
    return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  });
}

function local(timeMs: number, offsetMinutes: number): string {
  const sign = offsetMinutes < 0 ? "-" : "+";
  const offset = `${sign}${String(Math.abs(offsetMinutes) / 60).padStart(2, "0")}`;
  return `${new Date(timeMs + offsetMinutes * 60_000).toISOString().slice(0, -1)}${offset}`;
}
