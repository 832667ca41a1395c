import { createHash, randomInt } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { type FhirResource, type FhirValue, formatJson, isObject, parseJson } from "@wellapi/fhir-r4";
import { type Export, ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { refusalOf } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { subsetOfType, withSubset } from "../../search/subset.ts";
import { calling } from "../exchange.ts";
import type { Cohort } from "./cohort.ts";
import { patiently } from "./patience.ts";

/** Fewer patients than that are not told, of an export and of what they share: the usual threshold of health statistics in the US (CMS). */
export const fewestPatients = 11;

/** Of a file, which is made whole before any of it leaves. */
const mostCharacters = 67_108_864;

/** Throws SMALL_GROUP. */
export function requireMany(cohort: Cohort): void {
  if (cohort.size >= fewestPatients) return;
  throw new FhirServiceError(
    "SMALL_GROUP",
    `Fewer than ${fewestPatients} patients permit a de-identified export for this purpose: nothing is told of so few`,
  );
}

interface Line {
  readonly patient: string;
  /** Stands for what the whole resource is about. */
  readonly subject: string;
  readonly text: string;
}

/** A patient of a file, as far as they are read. */
interface Reading {
  readonly patient: string;
  /** Empty before the first page and behind the last. */
  readonly pageToken: string;
  readonly lines: readonly Line[];
}

/**
 * The records of one type of all patients, one a line. What fewer than 11 patients have in common (the same codes) is left out. The
 * lines come in an order of chance, and not in that of the reads: the caller sees in its own log whom was read when.
 *
 * For the same reason the patients are read in rounds, and whoever has no page left is asked once more for the first one: how many
 * entries the log has of a patient would tell how much of the file is theirs.
 */
export async function deIdentifiedLines(
  transport: Transport,
  one: Export,
  type: string,
  patients: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const read = createReader(transport, one, type, signal);
  let readings: readonly Reading[] = patients.map((patient) => ({ patient, pageToken: "", lines: [] }));
  for (let round = 0; round === 0 || readings.some(({ pageToken }) => pageToken !== ""); round++) {
    const after: Reading[] = [];
    for (const reading of shuffled(readings)) {
      const next = await read(reading, round);
      if (next !== undefined) after.push(next);
    }
    readings = after;
  }
  return shuffled(common(readings.flatMap(({ lines }) => lines)))
    .map(({ text }) => `${text}\n`)
    .join("");
}

/** Reads the next page of a patient; undefined once they have revoked or were erased: as if the patient were not there. */
function createReader(transport: Transport, one: Export, type: string, signal: AbortSignal) {
  const { id, purpose, elements } = one;
  const subset = subsetOfType(type, elements);
  const exports = createClient(ExportService, transport);
  let characters = 0;

  return async (reading: Reading, round: number): Promise<Reading | undefined> => {
    const { patient, pageToken, lines } = reading;
    const asked = { export: id, patient, purpose, type, pageToken };
    try {
      const page = await patiently(signal, () => exports.readDeIdentified(asked, calling));
      if (round > 0 && pageToken === "") return reading;
      const added = page.resources.map((whole): Line => {
        const resource = parseJson(whole);
        const text = subset === "all" ? whole : formatJson(withSubset(resource, subset));
        return { patient, subject: subjectOf(resource), text };
      });
      characters += added.reduce((sum, { text }) => sum + text.length, 0);
      if (characters > mostCharacters) throw tooLarge();
      return { patient, pageToken: page.nextPageToken, lines: [...lines, ...added] };
    } catch (error) {
      if (refusalOf(error).problem.reason === "CONSENT_REQUIRED") return undefined;
      throw error;
    }
  };
}

function tooLarge(): FhirServiceError {
  return new FhirServiceError(
    "TOO_LARGE",
    "The file is over 64 MiB: export what has changed _since a later time, or fewer _elements",
  );
}

/** Of lines about the same those that enough patients have. */
function common(lines: readonly Line[]): Line[] {
  const having = new Map<string, Set<string>>();
  for (const { subject, patient } of lines) {
    having.set(subject, (having.get(subject) ?? new Set()).add(patient));
  }
  return lines.filter(({ subject }) => having.get(subject)!.size >= fewestPatients);
}

/**
 * All codings and units of the resource, at any depth, and of a person sex and year of birth: as a hash, because it is held beside a
 * text that may have few of its elements.
 */
function subjectOf(resource: FhirResource): string {
  const { gender = "", birthDate = "" } = resource;
  const told = JSON.stringify([gender, birthDate, ...[...new Set(codingsIn(resource))].sort()]);
  return createHash("sha256").update(told).digest("base64url");
}

/** Units, too: an annotation of UCUM, as in `{steps}`, may be any word. */
function codingsIn(value: FhirValue | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(codingsIn);
  if (!isObject(value)) return [];
  const { system, code } = value;
  const own = typeof system === "string" ? [`${system}|${code}`] : [];
  return [...own, ...Object.values(value).flatMap(codingsIn)];
}

function shuffled<T>(items: readonly T[]): T[] {
  const all = [...items];
  for (let at = all.length - 1; at > 0; at--) {
    const other = randomInt(at + 1);
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}
