import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { StoredObservationSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Observation } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { ObservationRecord, ObservationValue } from "./observation.ts";
import { codeInit, codingOf, type ResolvedStart } from "./series-convert.ts";
import type { SourceInit } from "./source-convert.ts";

/** An observation as it is stored. It was validated by ingestion. */
export function observationContent(
  observation: Observation,
  resolved: ResolvedStart | undefined,
): Omit<ObservationRecord, "provenance" | "item"> {
  const { code, effective, durationMs, utcOffsetMinutes } = observation;
  return {
    code: codingOf(code!),
    time:
      resolved?.timeMs ?? (effective.case === "effectiveTime" ? timestampMs(effective.value) : Number.NaN),
    durationMs: Number(durationMs),
    offsetMinutes: resolved?.offsetMinutes ?? utcOffsetMinutes,
    value: storedValue(observation.value),
  };
}

function storedValue(value: Observation["value"]): ObservationValue {
  switch (value.case) {
    case "quantity":
      return { kind: "quantity", quantity: { value: value.value.value, unit: value.value.unit } };
    case "coded":
      return { kind: "coded", coding: codingOf(value.value) };
    case "components":
      return {
        kind: "components",
        components: value.value.components.map(({ code, quantity }) => ({
          coding: codingOf(code!),
          quantity: { value: quantity!.value, unit: quantity!.unit },
        })),
      };
    default:
      throw new RangeError("an observation without a value");
  }
}

/** An observation as readers get it; its unit is as sent. */
export function storedObservationInit(
  id: string,
  record: ObservationRecord,
  source: SourceInit,
): MessageInitShape<typeof StoredObservationSchema> {
  return {
    id,
    observation: {
      code: codeInit(record.code.code),
      effective: { case: "effectiveTime", value: timestampFromMs(record.time) },
      durationMs: BigInt(record.durationMs),
      utcOffsetMinutes: record.offsetMinutes,
      value: valueInit(record.value),
      method: record.provenance.method,
    },
    source,
    receiveTime: timestampFromMs(record.provenance.received),
  };
}

function valueInit(value: ObservationValue) {
  switch (value.kind) {
    case "quantity":
      return { case: "quantity", value: { ...value.quantity } } as const;
    case "coded":
      return { case: "coded", value: { ...value.coding } } as const;
    case "components":
      return {
        case: "components",
        value: {
          components: value.components.map(({ coding, quantity }) => ({
            code: { ...coding },
            quantity: { ...quantity },
          })),
        },
      } as const;
  }
}
