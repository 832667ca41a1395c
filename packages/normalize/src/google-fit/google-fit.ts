import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { singleDecimal } from "../decimal.ts";
import type { Fields } from "../fields.ts";
import { pathOf, quantityOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import { unknownDocument, type Vendor } from "../vendor.ts";
import mapping from "./mapping.json" with { type: "json" };

interface Row {
  readonly code: string;
  readonly unit: string;
  readonly about: string;
}

const types = new Map<string, Row>(Object.entries(mapping.types));
const notTaken = new Map(Object.entries(mapping.notTaken));
const NANOS = /^\d{1,19}$/;
const MOST_DEVICE = 128;

/** A dataset of Google Fit: points of a data source, at nanoseconds since 1970. */
export const googleFit: Vendor = {
  name: "google-fit",
  read(document, reader) {
    const root = reader.root(document);
    if (!root.has("dataSourceId"))
      throw unknownDocument("a dataset with its dataSourceId and its point list");
    const source = root.text("dataSourceId") ?? "";
    root.known("minStartTimeNs", "maxEndTimeNs");
    root.leave("more of this dataset follows: fetch it, too", "nextPageToken");
    for (const point of root.objects("point") ?? []) readPoint(point, source, reader);
    for (const point of root.objects("deletedPoint") ?? []) {
      const remedy = "a sample can't be taken back alone: take back its batch, and send the rest anew";
      reader.refuse(point.path, "DELETION_NOT_TAKEN", remedy);
    }
    root.close();
  },
};

function readPoint(point: Fields, dataSource: string, reader: Reader): void {
  const type = point.text("dataTypeName") ?? "";
  const source = point.text("originDataSourceId") ?? dataSource;
  const times = [point.digits("startTimeNanos") ?? "", point.digits("endTimeNanos") ?? ""];
  const [value, ...more] = point.objects("value") ?? [];
  point.leave("a sample has no time of its last change", "modifiedTimeMillis");
  point.known("rawTimestampNanos");
  point.close();
  const reason = notTaken.get(type);
  const row = types.get(type);
  if (row === undefined || value === undefined || more.length > 0) {
    if (reason !== undefined) reader.note("not_taken", pathOf(point, "value"), reason);
    else if (row === undefined)
      reader.refuse(point.path, "TYPE_UNKNOWN", `takes ${[...types.keys()].join(", ")}`);
    else reader.refuse(pathOf(point, "value"), "VALUE_REQUIRED", "must have one value");
    return;
  }
  value.known("mapVal");
  const name = value.has("intVal") ? "intVal" : "fpVal";
  const quantity = quantityOf(value, name, row, reader, singleDecimal);
  value.close();
  const interval = intervalOf(point, times, reader);
  if (interval === undefined || quantity === undefined) return;
  const [startMs, endMs] = interval;
  if (row.about === "interval" && startMs === endMs) {
    reader.refuse(point.path, "DURATION_REQUIRED", "is about an interval, and starts when it ends");
    return;
  }
  const time = reader.instant(pathOf(point, "startTimeNanos"), startMs);
  if (time === undefined) return;
  reader.point({
    path: pathOf(value, name),
    value: { kind: "quantity", ...quantity },
    ...time,
    durationMs: endMs - startMs,
    granularity: startMs === endMs ? Granularity.INSTANT : Granularity.EPISODE,
    method: source.endsWith(":user_input") ? CaptureMethod.SELF_REPORTED : CaptureMethod.UNSPECIFIED,
    device: { identifier: source.slice(0, MOST_DEVICE).toWellFormed(), model: "" },
  });
}

/** In milliseconds, to which samples are kept: the one in which each nanosecond lies. */
function intervalOf(point: Fields, nanos: readonly string[], reader: Reader): [number, number] | undefined {
  if (nanos.every((text) => NANOS.test(text))) {
    const [start, end] = nanos.map((text) => Number(BigInt(text) / 1_000_000n)) as [number, number];
    if (end >= start) return [start, end];
  }
  const description =
    "needs startTimeNanos and endTimeNanos, nanoseconds since 1970, the end not before the start";
  reader.refuse(point.path, "TIME_INVALID", description);
  return undefined;
}
