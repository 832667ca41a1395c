import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Component,
  type Observation,
  ObservationSchema,
} from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { type Coding, CodingSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Mask } from "../gate/masks.ts";

/** The fields of an observation that no member of its record holds, without what is masked. */
export function withoutMasked(rest: string | undefined, masks: ReadonlySet<Mask>): string | undefined {
  if (rest === undefined || masks.size === 0) return rest;
  const more = fromBinary(ObservationSchema, Buffer.from(rest, "base64"));
  if (masks.has("performer")) more.performer = "";
  if (masks.has("notes")) leaveOutText(more);
  const bytes = toBinary(ObservationSchema, more);
  return bytes.length === 0 ? undefined : Buffer.from(bytes).toString("base64");
}

/** Codes and their displays stay: they say what is measured. A test fills every field that holds text. */
function leaveOutText(more: Observation): void {
  more.notes = [];
  more.codeText = "";
  const components = [...more.components, ...more.segments.flatMap((segment) => segment.components)];
  for (const one of [more, ...components]) leaveOutValue(one);
}

function leaveOutValue(one: Observation | Component): void {
  for (const range of one.referenceRanges) range.text = "";
  if (one.value.case !== "text") return;
  one.value = { case: undefined };
  one.dataAbsentReason = maskedReason();
}

/** FHIR's word for a value that is not told to this reader. */
function maskedReason(): Coding {
  return create(CodingSchema, {
    system: "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    code: "masked",
  });
}
