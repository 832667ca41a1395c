import { CaptureMethod } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Fields } from "../fields.ts";
import { pathOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import mapping from "./mapping.json" with { type: "json" };

/** Where a field of a body goes. */
export interface FieldTarget {
  /** LOINC. */
  readonly code: string;
  /** Name of a table of units. */
  readonly units: string;
}

export interface Measure {
  readonly versions: readonly string[];
  readonly fields: Readonly<Record<string, FieldTarget>>;
  /** It is about an interval, never about an instant. */
  readonly interval?: boolean;
  /** The fields are the components of this code. */
  readonly panel?: string;
  /** The fields sum up a session of sleep. */
  readonly session?: boolean;
}

export interface Header {
  /** The data point's own id. */
  readonly id: string;
  readonly measure: Measure;
  readonly method: CaptureMethod;
}

// Of this form in the file: its rows have different fields.
const measures = new Map(Object.entries(mapping.measures as unknown as Readonly<Record<string, Measure>>));
const modalities: Readonly<Record<string, CaptureMethod>> = {
  sensed: CaptureMethod.SENSED,
  "self-reported": CaptureMethod.SELF_REPORTED,
};

/** Undefined where the body can't be taken: a schema or a person that is not the request's. */
export function readHeader(header: Fields, reader: Reader): Header | undefined {
  const provenance = header.object("acquisition_provenance");
  const modality = header.text("modality") ?? provenance?.text("modality") ?? "";
  const user = header.text("user_id");
  const id = header.text("uuid") ?? header.text("id") ?? "";
  const schema = header.object("schema_id");
  const reason = "a record has no place for it";
  provenance?.leave(reason, "source_name", "source_creation_date_time");
  provenance?.close();
  header.leave(reason, "creation_date_time", "source_creation_date_time", "external_datasheets");
  header.leave(reason, "acquisition_rate");
  header.close();
  if (user !== undefined && !reader.of(pathOf(header, "user_id"), user)) return undefined;
  const measure = schema === undefined ? undefined : measureOf(schema, reader);
  if (schema === undefined) reader.refuse(header.path, "SCHEMA_REQUIRED", "its schema_id is missing");
  if (measure === undefined) return undefined;
  return { id, measure, method: modalities[modality] ?? CaptureMethod.UNSPECIFIED };
}

function measureOf(schema: Fields, reader: Reader): Measure | undefined {
  const name = `${schema.text("namespace") ?? ""}:${schema.text("name") ?? ""}`;
  const version = schema.text("version") ?? "";
  const measure = measures.get(name);
  if (measure === undefined) {
    const known = [...measures.keys()].join(", ");
    reader.refuse(schema.path, "SCHEMA_UNKNOWN", `is not a schema that is taken here: ${known}`);
    return undefined;
  }
  if (measure.versions.includes(version)) return measure;
  const remedy = `takes the versions ${measure.versions.join(", ")} of this schema`;
  reader.refuse(pathOf(schema, "version"), "VERSION_UNKNOWN", remedy);
  return undefined;
}
