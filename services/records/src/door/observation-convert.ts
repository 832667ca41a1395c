import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { StoredObservationSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  type Component,
  type Observation,
  ObservationSchema,
  ObservationStatus,
} from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Terminology } from "@wellapi/terminology";
import type { ObservationRecord, ObservationValue } from "../model/observation.ts";
import { codeInit, codingOf, type ResolvedStart } from "./series-convert.ts";
import type { SourceInit } from "./source-convert.ts";

/** An observation in its stored form. Ingestion has validated it. */
export function observationContent(
  observation: Observation,
  resolved: ResolvedStart | undefined,
): Omit<ObservationRecord, "provenance" | "item"> {
  const { code, effective, durationMs, utcOffsetMinutes = 0 } = observation;
  const rest = restOf(observation);
  return {
    code: codingOf(code!),
    time:
      resolved?.timeMs ?? (effective.case === "effectiveTime" ? timestampMs(effective.value) : Number.NaN),
    durationMs: Number(durationMs),
    offsetMinutes: resolved?.offsetMinutes ?? utcOffsetMinutes,
    value: storedValue(observation),
    ...(rest === undefined ? {} : { rest }),
  };
}

/** The values for aggregates: empty for an observation that its sender withdrew. */
function storedValue(observation: Observation): ObservationValue | undefined {
  if (isWithdrawn(observation)) return undefined;
  const { value, components } = observation;
  switch (value.case) {
    case "quantity":
      return { kind: "quantity", quantity: { value: value.value.value, unit: value.value.unit } };
    case "coded":
      return { kind: "coded", coding: codingOf(value.value) };
    case "integer":
      return { kind: "integer", integer: Number(value.value) };
    case undefined: {
      const numbers = components.flatMap(({ code, value: own }) =>
        own.case === "quantity"
          ? [{ coding: codingOf(code!), quantity: { value: own.value.value, unit: own.value.unit } }]
          : [],
      );
      return numbers.length === 0 ? undefined : { kind: "components", components: numbers };
    }
    default:
      return undefined;
  }
}

function isWithdrawn({ status }: Observation): boolean {
  return status === ObservationStatus.ENTERED_IN_ERROR || status === ObservationStatus.CANCELLED;
}

/**
 * All fields without a member in the record, as a message of the contract: fields that the contract gets later are
 * kept automatically. Undefined for an observation with only a code, a time, a plain value and a source.
 */
function restOf(observation: Observation): string | undefined {
  if (isPlain(observation)) return undefined;
  const { value, components } = observation;
  const rest = create(ObservationSchema, {
    ...observation,
    value: isStoredWhole(value.case) && !isWithdrawn(observation) ? { case: undefined } : value,
    components: holdsPlainPanel(observation) && !isWithdrawn(observation) ? [] : components,
  });
  delete rest.code;
  delete rest.device;
  delete rest.utcOffsetMinutes;
  rest.effective = { case: undefined };
  rest.durationMs = 0n;
  rest.method = 0;
  rest.granularity = 0;
  const bytes = toBinary(ObservationSchema, rest, { writeUnknownFields: false });
  return bytes.length === 0 ? undefined : Buffer.from(bytes).toString("base64");
}

/**
 * By hand, since most observations take this path: a message costs as much as the rest of the work on an observation.
 */
function isPlain(observation: Observation): boolean {
  const { value, components, segments, dataAbsentReason, status, alternativeCodes, codeText } = observation;
  const { interpretations, referenceRanges, bodySite, technique, performer, notes, externalId } = observation;
  const lists =
    segments.length +
    alternativeCodes.length +
    interpretations.length +
    referenceRanges.length +
    notes.length;
  return (
    (value.case === undefined ? holdsPlainPanel(observation) : isStoredWhole(value.case)) &&
    (components.length === 0 || holdsPlainPanel(observation)) &&
    lists + status + codeText.length + performer.length + externalId.length === 0 &&
    dataAbsentReason === undefined &&
    bodySite === undefined &&
    technique === undefined
  );
}

function isStoredWhole(kind: Observation["value"]["case"]): boolean {
  return kind === "quantity" || kind === "coded" || kind === "integer";
}

/** Whether the components are numbers alone, which `storedValue` keeps. */
function holdsPlainPanel({ value, components }: Observation): boolean {
  return value.case === undefined && components.length > 0 && components.every(isNumberAlone);
}

function isNumberAlone({ value, dataAbsentReason, interpretations, referenceRanges }: Component): boolean {
  return (
    value.case === "quantity" &&
    dataAbsentReason === undefined &&
    interpretations.length + referenceRanges.length === 0
  );
}

/**
 * An observation as readers get it: as it was sent.
 *
 * @param own whether the reader's organization sent it: only that organization sees its own names of device and
 *   record
 */
export function storedObservationInit(
  terminology: Terminology,
  id: string,
  record: ObservationRecord,
  source: SourceInit,
  own: boolean,
): MessageInitShape<typeof StoredObservationSchema> {
  return {
    id,
    observation: observationMessage(terminology, record, own),
    source,
    receiveTime: timestampFromMs(record.provenance.received),
  };
}

/** An observation as it was sent, but for what only its sender may know. */
export function observationMessage(
  terminology: Terminology,
  record: ObservationRecord,
  own: boolean,
): Observation {
  const { code, time, durationMs, offsetMinutes, value, rest, provenance } = record;
  const { device, model, method, granularity } = provenance;
  const known = create(ObservationSchema, {
    code: {
      ...codeInit(terminology, code.code),
      ...(code.display === undefined ? {} : { display: code.display }),
    },
    effective: { case: "effectiveTime", value: timestampFromMs(time) },
    durationMs: BigInt(durationMs),
    utcOffsetMinutes: offsetMinutes,
    ...valueInit(value),
    method,
    granularity,
    ...(own && device + model !== "" ? { device: { identifier: device, model } } : {}),
  });
  if (rest === undefined) return known;
  const more = fromBinary(ObservationSchema, Buffer.from(rest, "base64"));
  return {
    ...more,
    ...known,
    value: more.value.case === undefined ? known.value : more.value,
    components: more.components.length === 0 ? known.components : more.components,
    externalId: own ? more.externalId : "",
    ...detailsOf(more),
  };
}

/** The fields that no member of a record holds. */
function detailsOf(more: Observation) {
  const { $typeName, code, effective, durationMs, utcOffsetMinutes, ...rest } = more;
  const { value, components, device, method, granularity, externalId, ...details } = rest;
  return details;
}

function valueInit(
  value: ObservationValue | undefined,
): Pick<MessageInitShape<typeof ObservationSchema>, "value" | "components"> {
  switch (value?.kind) {
    case undefined:
      return {};
    case "quantity":
      return { value: { case: "quantity", value: { ...value.quantity } } };
    case "coded":
      return { value: { case: "coded", value: { ...value.coding } } };
    case "integer":
      return { value: { case: "integer", value: BigInt(value.integer) } };
    case "components": {
      const components = value.components.map(({ coding, quantity }) => ({
        code: { ...coding },
        value: { case: "quantity", value: { ...quantity } } as const,
      }));
      return { components };
    }
  }
}
