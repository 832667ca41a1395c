import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { scaledDecimal } from "../decimal.ts";
import type { Fields } from "../fields.ts";
import type { Point, Quantity } from "../point.ts";
import { pathOf, quantityOf, type Target } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import type { ResolvedTime } from "../time-zone.ts";
import mapping from "./mapping.json" with { type: "json" };

const measures = new Map<string, Target>(Object.entries(mapping.measures));
const notTaken = new Map(Object.entries(mapping.notTaken));
const { systolic, diastolic } = mapping.pressure;

/** By `attrib`: 2 and 4 were entered by the person, 5 was computed from several measurements. */
const methods: Readonly<Record<string, CaptureMethod>> = {
  0: CaptureMethod.SENSED,
  2: CaptureMethod.SELF_REPORTED,
  4: CaptureMethod.SELF_REPORTED,
  5: CaptureMethod.DERIVED,
  7: CaptureMethod.SENSED,
  8: CaptureMethod.SENSED,
};
/** Captured by a device, and Withings does not know by whom of those who use it. */
const AMBIGUOUS = "1";
const GOALS = "2";

/** Groups of measures, each of an instant. */
export function readMeasures(body: Fields, reader: Reader): void {
  const zone = body.text("timezone");
  body.known("updatetime");
  for (const group of body.objects("measuregrps") ?? []) readGroup(group, zone, reader);
}

function readGroup(group: Fields, bodyZone: string | undefined, reader: Reader): void {
  const [attrib, category] = [group.digits("attrib") ?? "", group.digits("category") ?? "1"];
  const date = group.digits("date");
  const zone = group.text("timezone") ?? bodyZone;
  const identifier = group.text("hash_deviceid") ?? group.text("deviceid") ?? "";
  const model = group.text("model") ?? "";
  const list = group.objects("measures") ?? [];
  group.known("deviceid", "modelid");
  group.leave("a sample has no place for it", "comment", "grpid", "created", "modified");
  group.close();
  if (attrib === AMBIGUOUS) {
    const remedy = "Withings does not know of whom this is: have the person confirm it, and send it again";
    reader.refuse(group.path, "PERSON_AMBIGUOUS", remedy);
    return;
  }
  if (category === GOALS) {
    reader.note("not_taken", group.path, "a goal is no measurement");
    return;
  }
  const timePath = pathOf(group, "date");
  if (date === undefined || !/^\d{1,11}$/.test(date)) {
    reader.refuse(timePath, "TIME_INVALID", "must be seconds since 1970");
    return;
  }
  const time = reader.instant(timePath, Number(date) * 1_000, zone);
  if (time === undefined) return;
  const common = {
    ...time,
    durationMs: 0,
    granularity: Granularity.INSTANT,
    method: methods[attrib] ?? CaptureMethod.UNSPECIFIED,
    ...((identifier !== "" || model !== "") && { device: { identifier, model } }),
  };
  for (const point of pointsOf(group, list, common, reader)) reader.point(point);
}

function pointsOf(
  group: Fields,
  list: readonly Fields[],
  common: ResolvedTime & Omit<Point, "path" | "value">,
  reader: Reader,
): Point[] {
  const points: Point[] = [];
  const pressure = new Map<string, Quantity>();
  for (const measure of list) {
    const type = measure.digits("type") ?? "";
    const exponent = measure.digits("unit") ?? "0";
    const ofPressure = [systolic, diastolic].find((one) => one.type === type);
    const target = ofPressure ?? measures.get(type);
    measure.known("value", "algo", "fm");
    measure.close();
    if (target === undefined) {
      const reason = notTaken.get(type);
      if (reason === undefined) reader.note("unknown", `${pathOf(measure, "type")} ${type}`, "");
      else reader.note("not_taken", measure.path, reason);
      continue;
    }
    const quantity = quantityOf(measure, "value", target, reader, (digits) =>
      scaledDecimal(digits, exponent),
    );
    if (quantity === undefined) continue;
    if (ofPressure !== undefined) pressure.set(quantity.code, quantity);
    else points.push({ ...common, path: measure.path, value: { kind: "quantity", ...quantity } });
  }
  if (pressure.size === 0) return points;
  const parts = [systolic, diastolic].flatMap(({ code }) => pressure.get(code) ?? []);
  if (parts.length === 2) {
    const value = { kind: "panel" as const, code: mapping.pressure.panel, parts };
    return [{ ...common, path: group.path, value }, ...points];
  }
  const missing = "a blood pressure needs both types, 9 and 10, in one group";
  reader.refuse(group.path, "COMPONENT_MISSING", missing);
  return points;
}
