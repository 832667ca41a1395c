import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { SourcedSeries } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Decimals, SampleTimes } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { ClientError } from "./errors.ts";

/** One sample in readable form. */
export interface Sample {
  readonly timeMs: number;
  readonly value: string;
  readonly unit: string;
}

/** mantissa × 10^−scale as text; 9860 at scale 2 is `98.60`. */
export function decimalText(mantissa: number | bigint, scale: number): string {
  const digits = mantissa < 0 ? String(mantissa).slice(1) : String(mantissa);
  const sign = mantissa < 0 ? "-" : "";
  if (scale === 0) return sign + digits;
  const padded = digits.padStart(scale + 1, "0");
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function* times(column: SampleTimes | undefined): Generator<number> {
  if (column?.start.case !== "startTime") return;
  let time = timestampMs(column.start.value);
  yield time;
  if (column.spacing.case === "periodMs") {
    for (;;) {
      time += column.spacing.value;
      yield time;
    }
  }
  if (column.spacing.case === "gaps") {
    for (const gap of column.spacing.value.gapsMs) {
      time += gap;
      yield time;
    }
  }
}

function decimals(column: Decimals): string[] {
  const { scale, mantissas, wideMantissas } = column;
  return mantissas.length > 0
    ? mantissas.map((mantissa) => decimalText(mantissa, scale))
    : wideMantissas.map((mantissa) => decimalText(mantissa, scale));
}

/**
 * The samples of a run, in ascending order of time; components are joined by `/`. Throws ClientError `input` for values of a kind that
 * a later version has: left out they would look like a gap in the data.
 */
export function samplesOf({ series }: Pick<SourcedSeries, "series">): Sample[] {
  if (!series) return [];
  const { values, unit } = series;
  if (values.case === undefined && series.times !== undefined) {
    throw new ClientError("input", "this version does not know this kind of values: install a newer one");
  }
  let texts: string[] = [];
  let shownUnit = unit;
  if (values.case === "decimals") texts = decimals(values.value);
  if (values.case === "coded") {
    const { dictionary, indexes } = values.value;
    texts = indexes.map((index) => dictionary[index]?.code ?? "");
  }
  if (values.case === "components") {
    const columns = values.value.components.map((c) => (c.decimals ? decimals(c.decimals) : []));
    texts = (columns[0] ?? []).map((_, i) => columns.map((column) => column[i]).join("/"));
    shownUnit = values.value.components[0]?.unit ?? "";
  }
  const clock = times(series.times);
  return texts.map((value) => ({ timeMs: clock.next().value as number, value, unit: shownUnit }));
}
