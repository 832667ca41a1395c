import { type CodeDefinition, LOINC, type SessionCode, type Terminology } from "@wellapi/terminology";
import { type Coding, judgeCoding, judgeCodings, judgeLength, judgeText } from "./form.ts";
import { MAX_COMPONENTS, MAX_SEGMENTS } from "./limits.ts";
import {
  type Component,
  judgeAbsence,
  judgeReferenceRanges,
  judgeValue,
  type Segment,
  type Value,
} from "./value.ts";
import { type Violation, violation } from "./violation.ts";
import { codesOf, judgePanel } from "./vocabulary.ts";

interface Content {
  readonly value: Value | undefined;
  readonly absentReason: Coding | undefined;
  readonly components: readonly Component[];
  readonly segments: readonly Segment[];
  readonly durationMs: number;
}

/** Judges value, components and segments, by the kind of the code. */
export function judgeContent(
  terminology: Terminology,
  definition: CodeDefinition,
  content: Content,
  found: Violation[],
): void {
  const { value, absentReason, components, segments, durationMs } = content;
  if (value !== undefined) {
    judgeValue(terminology, definition, value, "", found);
    if (absentReason !== undefined) found.push(violation("data_absent_reason", "VALUE_AND_ABSENT_REASON"));
  } else if (needsValue(definition) && absentReason === undefined && components.length === 0) {
    found.push(violation("", "VALUE_REQUIRED", `send \`${definition.kind}\` or \`data_absent_reason\``));
  }
  if (judgeLength(components, MAX_COMPONENTS, "components", found)) {
    if (definition.kind === "components") {
      if (absentReason === undefined || components.length > 0) {
        judgePanel(definition, components, "components", found, (component, one, field) =>
          judgeComponent(terminology, one, component, field, found),
        );
      }
    } else judgeComponents(terminology, components, "", found);
  }
  if (segments.length > 0) judgeSegments(terminology, definition, segments, durationMs, found);
}

/** A panel's components are its value, and a session's interval is. */
function needsValue({ kind }: CodeDefinition): boolean {
  return kind !== "components" && kind !== "session";
}

/** Components beside a value or of a session: of any known code that has a value of its own, each once. */
function judgeComponents(
  terminology: Terminology,
  components: readonly Component[],
  path: string,
  found: Violation[],
): void {
  const seen = new Set<string>();
  for (const [index, component] of components.entries()) {
    const field = `${path}components[${index}]`;
    const { coding } = component;
    if (coding === undefined) {
      found.push(violation(`${field}.code`, "CODE_REQUIRED"));
      continue;
    }
    const before = found.length;
    judgeCoding(coding, `${field}.code`, found);
    if (found.length > before) continue;
    const definition = definitionOf(terminology, component);
    if (definition === undefined) {
      found.push(violation(`${field}.code`, "COMPONENT_UNKNOWN", "use an accepted code that has a value"));
      continue;
    }
    if (seen.has(definition.code)) found.push(violation(`${field}.code`, "COMPONENT_REPEATED"));
    seen.add(definition.code);
    judgeComponent(terminology, definition, component, field, found);
  }
}

function definitionOf(
  { findCode, findAnyCode }: Terminology,
  { coding }: Component,
): CodeDefinition | undefined {
  const definition = findCode(coding!.code, coding!.system) ?? findAnyCode(coding!.code);
  const sameSystem = definition?.system === (coding!.system || LOINC);
  if (!sameSystem || definition.kind === "components" || definition.kind === "session") return undefined;
  return definition;
}

function judgeComponent(
  terminology: Terminology,
  definition: CodeDefinition,
  component: Component,
  field: string,
  found: Violation[],
): void {
  const { value, absentReason, interpretations, referenceRanges } = component;
  if (value !== undefined) judgeValue(terminology, definition, value, `${field}.`, found);
  else if (absentReason === undefined) {
    const remedy = `send \`${definition.kind}\` or \`data_absent_reason\``;
    found.push(violation(field, "VALUE_REQUIRED", remedy));
  }
  if (absentReason !== undefined) {
    judgeAbsence(absentReason, `${field}.data_absent_reason`, found);
    if (value !== undefined) {
      found.push(violation(`${field}.data_absent_reason`, "VALUE_AND_ABSENT_REASON"));
    }
  }
  judgeCodings(interpretations, `${field}.interpretations`, found);
  judgeReferenceRanges(referenceRanges, `${field}.`, found);
}

function judgeSegments(
  terminology: Terminology,
  definition: CodeDefinition,
  segments: readonly Segment[],
  durationMs: number,
  found: Violation[],
): void {
  if (definition.kind !== "session") {
    found.push(violation("segments", "SEGMENTS_NOT_ALLOWED"));
    return;
  }
  if (!judgeLength(segments, MAX_SEGMENTS, "segments", found)) return;
  let last = 0;
  for (const [index, segment] of segments.entries()) {
    const field = `segments[${index}]`;
    judgeSegmentKind(definition, segment, field, found);
    if (segment.startOffsetMs < last) {
      found.push(violation(`${field}.start_offset_ms`, "SEGMENT_ORDER"));
    }
    last = segment.startOffsetMs;
    if (segment.startOffsetMs + segment.durationMs > durationMs) {
      found.push(violation(field, "SEGMENT_OUTSIDE"));
    }
    if (judgeLength(segment.components, MAX_COMPONENTS, `${field}.components`, found)) {
      judgeComponents(terminology, segment.components, `${field}.`, found);
    }
  }
}

function judgeSegmentKind(
  { segmentSystem, segments }: SessionCode,
  { kind }: Segment,
  field: string,
  found: Violation[],
): void {
  if (kind === undefined) {
    found.push(violation(`${field}.kind`, "CODE_REQUIRED"));
    return;
  }
  judgeText(kind.display, 200, `${field}.kind.display`, found);
  if (kind.system === segmentSystem && segments.some(({ code }) => code === kind.code)) return;
  const remedy = `use one of ${codesOf(segments)} with the system ${segmentSystem}`;
  found.push(violation(`${field}.kind`, "CODED_VALUE_UNKNOWN", remedy));
}
