import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type FhirResource, mapReferences, parseJson } from "@wellapi/fhir-r4";
import type { ClinicalRecord } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { labelledDisputed } from "./dispute-label.ts";
import { fhirPatientId, formatLogicalId, outwardReference } from "./logical-id.ts";

/** A stored version, as a client of this server sees it. */
export interface ServedRecord {
  readonly type: string;
  /** FHIR's logical id. */
  readonly id: string;
  /** `Condition/<id>` */
  readonly address: string;
  /** `W/"3"` */
  readonly etag: string;
  readonly version: string;
  readonly updated: Date;
  readonly deleted: boolean;
  /** Undefined: this version is the deletion. It is read from the record's JSON when it is first asked for. */
  readonly resource: FhirResource | undefined;
  /** The JSON of `resource`, where it can be told without reading it; made when it is first asked for, too. */
  readonly text: string | undefined;
}

/** A version that is not the deletion. */
export type StandingRecord = ServedRecord & { readonly resource: FhirResource };

/** Without reading it. */
export function isStanding(record: ServedRecord): record is StandingRecord {
  return !record.deleted;
}

export function servedRecord(patient: string, record: ClinicalRecord): ServedRecord {
  const { resourceType: type, version, deleted, disputed } = record;
  const id = type === "Patient" ? fhirPatientId(patient) : formatLogicalId({ patient, record: record.id });
  let resource: FhirResource | undefined;
  let text: string | undefined;
  return {
    type,
    id,
    address: `${type}/${id}`,
    etag: `W/"${version}"`,
    version: String(version),
    updated: timestampDate(record.updateTime!),
    deleted,
    get resource() {
      if (deleted) return undefined;
      if (resource === undefined) {
        const stored = outward(patient, id, record.resource);
        resource = disputed ? labelledDisputed(stored) : stored;
      }
      return resource;
    },
    get text() {
      if (deleted || disputed) return undefined;
      text ??= outwardText(patient, id, record.resource);
      return text;
    },
  };
}

function outward(patient: string, id: string, text: string): FhirResource {
  const { resourceType, ...rest } = mapReferences(parseJson(text), (one) => outwardReference(patient, one));
  return { resourceType, ...rest, id };
}

/** How *records* begins a version. */
const beginning = /^(\{"resourceType":"[A-Za-z]+","id":)"[^"\\]*"/;
/**
 * What canonical form changes (companions of primitives, null in lists), and elements called `reference` that are URIs: those of
 * education, DetectedIssue, and expressions, which have a language.
 */
const readFirst = /"_|null|"(?:education|DetectedIssue|language)"/;
/** In JSON an unescaped quote ends a string, so this is a name and its value, wherever it stands. */
const reference = /"reference":("(?:[^"\\]|\\.)*")/g;

/**
 * The JSON of `outward`, in the order in which it was stored: ids are put into the text, which costs a tenth of reading and writing it.
 * Undefined where that would not do.
 */
function outwardText(patient: string, id: string, text: string): string | undefined {
  const begun = beginning.exec(text);
  if (begun === null || readFirst.test(text)) return undefined;
  const [stored, head] = begun;
  return `${head}"${id}"${text.slice(stored.length)}`.replace(reference, (whole, value: string) => {
    const sent = value.includes("\\") ? (JSON.parse(value) as string) : value.slice(1, -1);
    const served = outwardReference(patient, sent);
    return served === sent ? whole : `"reference":${JSON.stringify(served)}`;
  });
}
