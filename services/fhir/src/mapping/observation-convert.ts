import { timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import type { FhirObject, FhirResource } from "@wellapi/fhir-r4";
import type { StoredObservation } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  type Observation,
  ObservationStatus,
  type Segment,
} from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { categoriesOf, conceptOf, measuredCodings, methodOf } from "./coding.ts";
import { dateTimeOf, effectiveOf } from "./fhir-time.ts";
import { fhirPatientId, formatLogicalId } from "./logical-id.ts";
import { deviceOf, metaOf, type View } from "./source-convert.ts";
import { componentOf, judgedValueOf, valueElementOf } from "./value-convert.ts";

/** What sums up a part of a session: FHIR's components have no components of their own. */
const segmentExtension = "https://wellapi.dev/fhir/StructureDefinition/segment-component";

const statuses: Readonly<Record<ObservationStatus, string>> = {
  [ObservationStatus.UNSPECIFIED]: "final",
  [ObservationStatus.PRELIMINARY]: "preliminary",
  [ObservationStatus.FINAL]: "final",
  [ObservationStatus.AMENDED]: "amended",
  [ObservationStatus.CORRECTED]: "corrected",
  [ObservationStatus.CANCELLED]: "cancelled",
  [ObservationStatus.ENTERED_IN_ERROR]: "entered-in-error",
  [ObservationStatus.UNKNOWN]: "unknown",
};

/** A single observation of the contracts as FHIR's Observation, with ids that only this reader knows. */
export function observationOf(
  view: View,
  { id, observation, source, receiveTime }: StoredObservation,
): FhirResource {
  const { patient } = view;
  const one = observation!;
  const received = receiveTime === undefined ? undefined : timestampDate(receiveTime).toISOString();
  const components = [...one.components.map(componentOf), ...segmentsOf(one)];
  return {
    resourceType: "Observation",
    id: formatLogicalId({ patient, record: id }),
    ...metaOf(view, source, { received, disputed: source !== undefined && source.disputed.length > 0 }),
    ...(one.externalId !== "" && { identifier: [{ value: one.externalId }] }),
    status: statuses[one.status] ?? "unknown",
    category: categoriesOf(one.code!.code),
    code: codeOf(one),
    subject: { reference: `Patient/${fhirPatientId(patient)}` },
    ...effectiveOf(startOf(one), Number(one.durationMs), one.utcOffsetMinutes ?? 0),
    ...(one.performer !== "" && { performer: [{ display: one.performer }] }),
    ...judgedValueOf(one),
    ...(one.notes.length > 0 && { note: one.notes.filter((text) => text !== "").map((text) => ({ text })) }),
    ...(one.bodySite !== undefined && { bodySite: conceptOf(one.bodySite) }),
    ...methodOf(one.technique, source?.method ?? one.method),
    ...deviceOf(view, source),
    ...(components.length > 0 && { component: components }),
  };
}

/** When it was, in Unix time; an instant ends where it begins. */
export function spanOf({ observation }: StoredObservation) {
  const ms = startOf(observation!);
  return { ms, endMs: ms + Number(observation!.durationMs) };
}

function codeOf({ code, alternativeCodes, codeText }: Observation): FhirObject {
  return {
    coding: measuredCodings(code!, alternativeCodes),
    ...(codeText !== "" && { text: codeText }),
  };
}

function startOf({ effective }: Observation): number {
  return effective.case === "effectiveTime" ? timestampMs(effective.value) : Number.NaN;
}

/** The parts of a session, each a component whose value is its time. */
function segmentsOf(one: Observation): FhirObject[] {
  const offset = one.utcOffsetMinutes ?? 0;
  const start = startOf(one);
  return one.segments.map(({ kind, startOffsetMs, durationMs, components }) => {
    const from = start + startOffsetMs;
    const sums = components.flatMap(segmentSumOf);
    return {
      ...(sums.length > 0 && { extension: sums }),
      code: conceptOf(kind!),
      valuePeriod: { start: dateTimeOf(from, offset), end: dateTimeOf(from + durationMs, offset) },
    };
  });
}

function segmentSumOf({ code, value }: Segment["components"][number]): FhirObject[] {
  const [shown] = Object.entries(valueElementOf(value));
  if (shown === undefined) return [];
  const [name, content] = shown;
  const extension = [
    { url: "code", valueCodeableConcept: conceptOf(code!) },
    { url: "value", [name]: content! },
  ];
  return [{ url: segmentExtension, extension }];
}
