import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type {
  Component as ComponentMessage,
  Observation as ObservationMessage,
  ReferenceRange as ReferenceRangeMessage,
} from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Observation, ObservationDetails } from "./observation.ts";
import type { Start } from "./start.ts";
import type { Component, ReferenceRange, Value } from "./value.ts";

export function toObservation(message: ObservationMessage): Observation {
  const { code, device, method, granularity, status, dataAbsentReason, durationMs } = message;
  return {
    coding: code,
    time: { start: toStart(message.effective), offsetMinutes: message.utcOffsetMinutes },
    durationMs: Number(durationMs),
    granularity,
    value: toValue(message.value),
    absentReason: dataAbsentReason,
    components: message.components.map(toComponent),
    segments: message.segments.map(({ kind, startOffsetMs, durationMs, components }) => ({
      kind,
      startOffsetMs,
      durationMs,
      components: components.map(toComponent),
    })),
    device,
    method,
    status,
    more: toDetails(message),
  };
}

/** Undefined for most observations. */
function toDetails(message: ObservationMessage): ObservationDetails | undefined {
  const { alternativeCodes, codeText, interpretations, referenceRanges } = message;
  const { bodySite, technique, performer, notes, externalId } = message;
  const lists = alternativeCodes.length + interpretations.length + referenceRanges.length + notes.length;
  const texts = codeText.length + performer.length + externalId.length;
  if (lists + texts === 0 && bodySite === undefined && technique === undefined) return undefined;
  return {
    alternativeCodes,
    codeText,
    interpretations,
    referenceRanges: referenceRanges.map(toReferenceRange),
    bodySite,
    technique,
    performer,
    notes,
    externalId,
  };
}

export function toInstant({ seconds, nanos }: Timestamp): Start {
  return { kind: "instant", seconds: Number(seconds), nanos };
}

function toStart(effective: ObservationMessage["effective"]): Start {
  switch (effective.case) {
    case "effectiveTime":
      return toInstant(effective.value);
    case "effectiveTimeText":
      return { kind: "text", text: effective.value };
    default:
      return { kind: "none" };
  }
}

function toComponent(message: ComponentMessage): Component {
  const { code, value, dataAbsentReason, interpretations, referenceRanges } = message;
  return {
    coding: code,
    value: toValue(value),
    absentReason: dataAbsentReason,
    interpretations,
    referenceRanges: referenceRanges.map(toReferenceRange),
  };
}

function toReferenceRange({ low, high, text, appliesTo }: ReferenceRangeMessage): ReferenceRange {
  return { low, high, text, appliesTo };
}

function toValue(value: ObservationMessage["value"] | ComponentMessage["value"]): Value | undefined {
  switch (value.case) {
    case "quantity":
      return { kind: "quantity", quantity: value.value };
    case "coded":
      return { kind: "coded", coding: value.value };
    case "text":
      return { kind: "text", text: value.value };
    case "boolean":
      return { kind: "boolean" };
    case "integer":
      return { kind: "integer", integer: value.value };
    case "range": {
      const { low, high } = value.value;
      return { kind: "range", range: { low, high } };
    }
    case "ratio": {
      const { numerator, denominator } = value.value;
      return { kind: "ratio", ratio: { numerator, denominator } };
    }
    default:
      return undefined;
  }
}
