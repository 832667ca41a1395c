import type { Terminology } from "@wellapi/terminology";
import { judgeContent } from "./content.ts";
import {
  type Coding,
  type Device,
  judgeCapture,
  judgeCoding,
  judgeCodings,
  judgeEnum,
  judgeLength,
  judgeText,
} from "./form.ts";
import { EPISODE, type Granularity, judgeGranularity, UNSPECIFIED } from "./granularity.ts";
import type { ItemJudgement } from "./item.ts";
import {
  MAX_CODE_TEXT,
  MAX_EXTERNAL_ID,
  MAX_NOTE,
  MAX_NOTES,
  MAX_OBSERVATION_DURATION_MS,
  MAX_PERFORMER,
} from "./limits.ts";
import { judgeStart, type SentTime, type StartFields, type TimeContext } from "./start.ts";
import {
  type Component,
  judgeAbsence,
  judgeReferenceRanges,
  type ReferenceRange,
  type Segment,
  type Value,
} from "./value.ts";
import { type Violation, violation } from "./violation.ts";
import { judgeCode } from "./vocabulary.ts";

/** One record. */
export interface Observation {
  readonly coding: Coding | undefined;
  readonly time: SentTime;
  readonly durationMs: number;
  readonly granularity: Granularity;
  readonly value: Value | undefined;
  readonly absentReason: Coding | undefined;
  readonly components: readonly Component[];
  readonly segments: readonly Segment[];
  readonly device: Device | undefined;
  readonly method: number;
  readonly status: number;
  /** Undefined where it has nothing more. */
  readonly more: ObservationDetails | undefined;
}

/** Fields without rules of their own: kept and shown as sent. */
export interface ObservationDetails {
  readonly alternativeCodes: readonly Coding[];
  readonly codeText: string;
  readonly interpretations: readonly Coding[];
  readonly referenceRanges: readonly ReferenceRange[];
  readonly bodySite: Coding | undefined;
  readonly technique: Coding | undefined;
  readonly performer: string;
  readonly notes: readonly string[];
  readonly externalId: string;
}

const startFields: StartFields = {
  instant: "effective_time",
  text: "effective_time_text",
  offset: "utc_offset_minutes",
};
/** How many of ObservationStatus are defined. */
const STATUSES = 8;

export function judgeObservation(
  observation: Observation,
  context: TimeContext,
  terminology: Terminology,
): ItemJudgement {
  const { time, durationMs, absentReason, device, method, status, more } = observation;
  const found: Violation[] = [];
  const definition = judgeCode(terminology, observation.coding, found);
  if (definition !== undefined) judgeContent(terminology, definition, observation, found);
  if (absentReason !== undefined) judgeAbsence(absentReason, "data_absent_reason", found);
  if (more !== undefined) judgeDetails(more, found);
  judgeCapture(device, method, found);
  judgeEnum(status, STATUSES, "status", found);
  judgeLengthOf(observation, definition?.kind === "session", found);
  if (durationMs > MAX_OBSERVATION_DURATION_MS) {
    found.push(violation("duration_ms", "DURATION_TOO_LONG", "at most 366 days"));
  }
  const resolved = judgeStart(time, startFields, context, found);
  return { violations: found, resolved: time.start.kind === "text" ? resolved : undefined };
}

/** A session is an episode: its kind says so, not its length. */
function judgeLengthOf(
  { durationMs, granularity }: Observation,
  isSession: boolean,
  found: Violation[],
): void {
  if (!isSession) judgeGranularity(granularity, durationMs, found);
  else if (durationMs === 0) found.push(violation("duration_ms", "DURATION_REQUIRED"));
  else if (granularity !== UNSPECIFIED && granularity !== EPISODE) {
    found.push(violation("granularity", "GRANULARITY_MISMATCH", "a session is an episode"));
  }
}

function judgeDetails(details: ObservationDetails, found: Violation[]): void {
  judgeCodings(details.alternativeCodes, "alternative_codes", found);
  judgeText(details.codeText, MAX_CODE_TEXT, "code_text", found);
  judgeCodings(details.interpretations, "interpretations", found);
  judgeReferenceRanges(details.referenceRanges, "", found);
  if (details.bodySite !== undefined) judgeCoding(details.bodySite, "body_site", found);
  if (details.technique !== undefined) judgeCoding(details.technique, "technique", found);
  judgeText(details.performer, MAX_PERFORMER, "performer", found);
  judgeText(details.externalId, MAX_EXTERNAL_ID, "external_id", found);
  if (!judgeLength(details.notes, MAX_NOTES, "notes", found)) return;
  for (const [index, note] of details.notes.entries()) judgeText(note, MAX_NOTE, `notes[${index}]`, found);
}
