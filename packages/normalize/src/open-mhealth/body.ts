import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Fields } from "../fields.ts";
import type { ObservationInit } from "../findings.ts";
import type { Quantity } from "../point.ts";
import { pathOf, quantityOf, quantityValue } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import { SLEEP_SESSION, sessionObservation } from "../session.ts";
import type { FieldTarget, Header } from "./header.ts";
import mapping from "./mapping.json" with { type: "json" };
import { type Frame, readTimeFrame } from "./time-frame.ts";

const units = new Map<string, Readonly<Record<string, string>>>(Object.entries(mapping.units));
const MOST_NOTE = 2_000;
const MOST_TEXT = 512;
const COUNT = "count";

/** The measurements of one data point, each a record of its own: the point has an id, and its words. */
export function readBody(body: Fields, header: Header, reader: Reader): void {
  const { measure } = header;
  const statistic = body.text("descriptive_statistic");
  const quantities = Object.entries(measure.fields).flatMap(([name, target]) => {
    const quantity = valueIn(body, name, target, reader);
    return quantity === undefined ? [] : [{ name, quantity }];
  });
  const more = wordsOf(body);
  if (statistic !== undefined) {
    const remedy = "a statistic over an interval is no measurement: send the measurements";
    reader.refuse(pathOf(body, "descriptive_statistic"), "STATISTIC_NOT_TAKEN", remedy);
    return;
  }
  leaveRest(body);
  const frame = readTimeFrame(body, reader);
  body.close();
  if (frame === undefined) return;
  if (measure.interval && frame.durationMs === 0) {
    reader.refuse(body.path, "DURATION_REQUIRED", "is about an interval: send its time_interval");
    return;
  }
  const common = { ...more, ...recordOf(header, frame) };
  if (measure.session) addSession(body, header, frame, quantities, reader);
  else if (measure.panel !== undefined) addPanel(body, measure.panel, header, quantities, common, reader);
  else {
    if (quantities.length === 0 && !Object.keys(measure.fields).some((name) => body.has(name))) {
      reader.refuse(body.path, "VALUE_REQUIRED", `takes ${Object.keys(measure.fields).join(", ")}`);
    }
    for (const { name, quantity } of quantities) {
      const code = { code: quantity.code };
      const observation = { ...common, code, value: quantityValue(quantity) };
      reader.observation(pathOf(body, name), code, observation);
    }
  }
}

function recordOf({ id, method }: Header, { timeMs, offsetMinutes, durationMs }: Frame) {
  return {
    effective: { case: "effectiveTime" as const, value: timestampFromMs(timeMs) },
    utcOffsetMinutes: offsetMinutes,
    durationMs: BigInt(durationMs),
    granularity: durationMs === 0 ? Granularity.INSTANT : Granularity.EPISODE,
    method,
    externalId: id,
  } satisfies ObservationInit;
}

/** What people said about it. */
function wordsOf(body: Fields): ObservationInit {
  const note = body.text("user_notes");
  const name = body.text("activity_name");
  return {
    ...(note !== undefined && { notes: [note.slice(0, MOST_NOTE).toWellFormed()] }),
    ...(name !== undefined && { codeText: name.slice(0, MOST_TEXT).toWellFormed() }),
  };
}

function leaveRest(body: Fields): void {
  const reason = "a record has no place for it";
  body.leave(
    reason,
    "body_posture",
    "position_during_measurement",
    "measurement_location",
    "sensor_body_location",
  );
  body.leave(reason, "temporal_relationship_to_physical_activity", "temporal_relationship_to_sleep");
  body.leave(reason, "system", "measurement_method", "supplemental_oxygen_flow_rate");
  body.leave(reason, "oxygen_therapy_mode_of_administration", "is_main_sleep", "sleep_efficiency_percentage");
  body.leave(reason, "latency_to_sleep_onset", "latency_to_arising", "wake_after_sleep_onset");
  body.leave(reason, "number_of_awakenings", "duration_light_activity", "duration_moderate_activity");
  body.leave(reason, "duration_vigorous_activity", "reported_activity_intensity", "duration");
}

/** A value with its unit; a count of the first versions stands without one. */
function valueIn(
  body: Fields,
  name: string,
  { code, units: table }: FieldTarget,
  reader: Reader,
): Quantity | undefined {
  if (!body.has(name)) return undefined;
  if (table === COUNT && !body.nested(name)) return quantityOf(body, name, { code, unit: "{steps}" }, reader);
  const value = body.object(name);
  if (value === undefined) return undefined;
  const known = units.get(table)!;
  const sent = value.text("unit") ?? "";
  const unit = Object.hasOwn(known, sent) ? known[sent]! : undefined;
  if (unit === undefined) {
    const remedy = `must be ${Object.keys(known).join(", ")}`;
    reader.refuse(pathOf(value, "unit"), "UNIT_UNKNOWN", remedy);
    return undefined;
  }
  const quantity = quantityOf(value, "value", { code, unit }, reader);
  if (!value.has("value")) reader.refuse(value.path, "VALUE_REQUIRED", "its value is missing");
  value.close();
  return quantity;
}

type Named = readonly { readonly name: string; readonly quantity: Quantity }[];

function addPanel(
  body: Fields,
  panel: string,
  { measure }: Header,
  quantities: Named,
  common: ObservationInit,
  reader: Reader,
): void {
  const names = Object.keys(measure.fields);
  if (quantities.length < names.length) {
    reader.refuse(body.path, "COMPONENT_MISSING", `needs ${names.join(" and ")}`);
    return;
  }
  const code = { code: panel };
  const components = quantities.map(({ quantity }) => ({
    code: { code: quantity.code },
    value: quantityValue(quantity),
  }));
  reader.observation(body.path, code, { ...common, code, components });
}

function addSession(body: Fields, header: Header, frame: Frame, quantities: Named, reader: Reader): void {
  const sums = quantities.map(({ quantity }) => quantity);
  const { id: externalId, method } = header;
  const session = { ...frame, code: SLEEP_SESSION, method, externalId, sums, parts: [] };
  reader.observation(body.path, SLEEP_SESSION, sessionObservation(session));
}
