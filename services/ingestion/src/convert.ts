import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Observation } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Decimals as DecimalsMessage, Series } from "@wellapi/gen/wellapi/type/v1/series_pb";
import type {
  Coding as CodingMessage,
  Device as DeviceMessage,
  Quantity as QuantityMessage,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type {
  Coding,
  Decimals,
  Device,
  Findings,
  ObservationItem,
  ObservationValue,
  Quantity,
  SeriesItem,
  SeriesValues,
  Start,
} from "./item.ts";

// The contract's rules hold already (protovalidate), so what is required is there.

export function seriesItem({ code, unit, device, times, values }: Series): SeriesItem {
  const { start, spacing, utcOffsetMinutes } = times!;
  return {
    code: coding(code),
    unit,
    device: deviceOf(device),
    start: start.case === "startTime" ? instant(start.value) : { kind: "local", text: start.value ?? "" },
    offsetMinutes: utcOffsetMinutes,
    spacing:
      spacing.case === "gaps"
        ? { kind: "gaps", ms: spacing.value.gapsMs }
        : { kind: "period", ms: spacing.value ?? 0 },
    values: seriesValues(values),
  };
}

function seriesValues(values: Series["values"]): SeriesValues {
  switch (values.case) {
    case "coded":
      return {
        kind: "coded",
        dictionary: values.value.dictionary.map(coding),
        indexes: values.value.indexes,
      };
    case "components":
      return {
        kind: "components",
        components: values.value.components.map((component) => ({
          coding: coding(component.code),
          unit: component.unit,
          decimals: decimals(component.decimals),
        })),
      };
    default:
      return { kind: "quantity", ...decimals(values.value) };
  }
}

export function observationItem(observation: Observation): ObservationItem {
  const { code, device, effective, utcOffsetMinutes, value } = observation;
  return {
    code: coding(code),
    device: deviceOf(device),
    start:
      effective.case === "effectiveTime"
        ? instant(effective.value)
        : { kind: "local", text: effective.value ?? "" },
    offsetMinutes: utcOffsetMinutes,
    value: observationValue(value),
  };
}

function observationValue(value: Observation["value"]): ObservationValue {
  switch (value.case) {
    case "coded":
      return { kind: "coded", coding: coding(value.value) };
    case "components":
      return {
        kind: "components",
        components: value.value.components.map((component) => ({
          coding: coding(component.code),
          quantity: quantityOf(component.quantity),
        })),
      };
    default:
      return { kind: "quantity", quantity: quantityOf(value.value) };
  }
}

function instant({ seconds, nanos }: Timestamp): Start {
  return {
    kind: "instant",
    ms: Number(seconds) * 1_000 + Math.floor(nanos / 1e6),
    whole: nanos % 1e6 === 0,
  };
}

function coding(message: CodingMessage | undefined): Coding {
  return { system: message?.system ?? "", code: message?.code ?? "" };
}

function deviceOf(message: DeviceMessage | undefined): Device | undefined {
  return message && { identifier: message.identifier, model: message.model };
}

function decimals(message: DecimalsMessage | undefined): Decimals {
  return { mantissas: message?.mantissas ?? [], wideMantissas: message?.wideMantissas ?? [] };
}

function quantityOf(message: QuantityMessage | undefined): Quantity {
  return { value: message?.value ?? "0", unit: message?.unit ?? "" };
}

/** What records is told beside the batch. */
export function findingsInit(findings: readonly Findings[]) {
  const indexed = findings.map((finding, index) => ({ ...finding, index }));
  return {
    rejections: indexed
      .filter(({ violations }) => violations.length > 0)
      .map(({ index, violations }) => ({
        index,
        violations: violations.map((violation) => ({ ...violation })),
      })),
    resolvedTimes: indexed.flatMap(({ index, resolved }) =>
      resolved === undefined
        ? []
        : [{ index, timeMs: BigInt(resolved.ms), utcOffsetMinutes: resolved.offsetMinutes }],
    ),
  };
}
