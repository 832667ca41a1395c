import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CaptureMethod } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { SLEEP_STAGE_SYSTEM } from "@wellapi/terminology";
import type { ObservationInit } from "./findings.ts";
import type { Concept, Quantity } from "./point.ts";
import { quantityValue } from "./quantity.ts";
import type { ResolvedTime } from "./time-zone.ts";

const SYSTEM = "https://wellapi.dev/fhir/CodeSystem/observation";
export const WORKOUT: Concept = { system: SYSTEM, code: "workout" };
export const SLEEP_SESSION: Concept = { system: SYSTEM, code: "sleep-session" };

/** A concept of our own code system of sleep stages. */
export function sleepStage(code: string): Concept {
  return { system: SLEEP_STAGE_SYSTEM, code };
}

/** A workout or a night, with what sums it up and its parts. */
export interface Session extends ResolvedTime {
  readonly code: Concept;
  readonly durationMs: number;
  readonly method: CaptureMethod;
  /** The vendor's id of it; only its own organization reads it back. */
  readonly externalId: string;
  /** In the vendor's words. */
  readonly text?: string | undefined;
  readonly sums: readonly Quantity[];
  /** In the order of their start. */
  readonly parts: readonly {
    readonly kind: Concept;
    readonly offsetMs: number;
    readonly durationMs: number;
  }[];
}

const MOST_TEXT = 512;

export function sessionObservation(session: Session): ObservationInit {
  const { code, timeMs, offsetMinutes, durationMs, method, externalId, text, sums, parts } = session;
  return {
    code,
    effective: { case: "effectiveTime", value: timestampFromMs(timeMs) },
    utcOffsetMinutes: offsetMinutes,
    durationMs: BigInt(durationMs),
    method,
    externalId,
    ...(text !== undefined && { codeText: text.slice(0, MOST_TEXT).toWellFormed() }),
    components: sums.map((sum) => ({ code: { code: sum.code }, value: quantityValue(sum) })),
    segments: parts.map((part) => ({
      kind: part.kind,
      startOffsetMs: part.offsetMs,
      durationMs: part.durationMs,
    })),
  };
}
