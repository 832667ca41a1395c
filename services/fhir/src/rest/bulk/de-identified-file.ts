import { randomInt } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { type FhirResource, type FhirValue, isObject, parseJson } from "@wellapi/fhir-r4";
import { type Export, ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { refusalOf } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { calling } from "../exchange.ts";
import type { Cohort } from "./cohort.ts";
import { patiently } from "./patience.ts";
import { pages } from "./patient-resources.ts";

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
  /** The patient's place in this file. */
  readonly patient: number;
  /** What the resource is about. */
  readonly subject: string;
  readonly text: string;
}

/**
 * The records of one type of all patients, one a line. What fewer than 11 patients have in common (the same codes) is left out. The
 * lines come in an order of chance, and not in that of the reads: the caller sees in its own log whom was read when.
 */
export async function deIdentifiedLines(
  transport: Transport,
  one: Export,
  type: string,
  patients: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const lines: Line[] = [];
  let characters = 0;
  for (const [at, patient] of shuffled(patients).entries()) {
    for (const text of await resourcesOf(transport, one, type, patient, signal)) {
      lines.push({ patient: at, subject: subjectOf(parseJson(text)), text });
      characters += text.length;
    }
    if (characters > mostCharacters) {
      throw new FhirServiceError(
        "TOO_LARGE",
        "The file is over 64 MiB: export what has changed _since a later time",
      );
    }
  }
  return shuffled(common(lines))
    .map(({ text }) => `${text}\n`)
    .join("");
}

async function resourcesOf(
  transport: Transport,
  { id, purpose }: Export,
  type: string,
  patient: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const exports = createClient(ExportService, transport);
  const asked = { export: id, patient, purpose, type };
  try {
    return await Array.fromAsync(
      pages(
        (pageToken) => patiently(signal, () => exports.readDeIdentified({ ...asked, pageToken }, calling)),
        (page) => page.resources,
      ),
    );
  } catch (error) {
    // Revoked or erased by now: as if the patient were not there.
    if (refusalOf(error).problem.reason === "CONSENT_REQUIRED") return [];
    throw error;
  }
}

/** Of lines about the same those that enough patients have. */
function common(lines: readonly Line[]): Line[] {
  const having = new Map<string, Set<number>>();
  for (const { subject, patient } of lines) {
    having.set(subject, (having.get(subject) ?? new Set()).add(patient));
  }
  return lines.filter(({ subject }) => having.get(subject)!.size >= fewestPatients);
}

/** All codings of the resource, at any depth, and of a person sex and year of birth. */
function subjectOf(resource: FhirResource): string {
  const { gender = "", birthDate = "" } = resource;
  return JSON.stringify([gender, birthDate, ...[...new Set(codingsIn(resource))].sort()]);
}

function codingsIn(value: FhirValue | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(codingsIn);
  if (!isObject(value)) return [];
  const { system, code, value: number } = value;
  // A quantity has a unit and no coding.
  const own = typeof system === "string" && number === undefined ? [`${system}|${code}`] : [];
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
