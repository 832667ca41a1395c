import { createHash } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  Consent_State,
  DeIdentification,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import type { Export } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import { calling } from "../exchange.ts";
import { servedTypes } from "../types.ts";
import { patiently } from "./patience.ts";
import { pages } from "./patient-resources.ts";

/**
 * The patients whose consents in force let the caller read something for the purpose, with the categories that they name, as they
 * stand now. Only a list of whom to ask about: what may be read is decided by each read.
 */
export type Cohort = ReadonlyMap<string, ReadonlySet<string>>;

/** @param begin whether it waits where the caller's budget is spent before the first page; once begun it waits always. */
export async function cohortOf(
  transport: Transport,
  { purpose, deIdentified }: Pick<Export, "purpose" | "deIdentified">,
  signal: AbortSignal,
  begin: "waits" | "refuses" = "waits",
): Promise<Cohort> {
  const consents = createClient(ConsentService, transport);
  const cohort = new Map<string, Set<string>>();
  const all = pages(
    (pageToken) => {
      const asked = { states: [Consent_State.ACTIVE], pageSize: 1_000, pageToken };
      const call = () => consents.listConsents(asked, calling);
      return pageToken === "" && begin === "refuses" ? call() : patiently(signal, call);
    },
    (page) => page.consents,
  );
  for await (const { patient, provisions } of all) {
    const named = provisions
      .filter(({ effect }) => effect === Provision_Effect.PERMIT)
      .filter(({ directions }) => directions.includes(Direction.READ))
      .filter(({ purposes }) => purposes.includes(purpose))
      .filter(({ deIdentification: one }) => (one !== DeIdentification.UNSPECIFIED) === deIdentified)
      .flatMap(({ categories }) => categories.map(({ name }) => name));
    if (named.length === 0) continue;
    cohort.set(patient, new Set([...(cohort.get(patient) ?? []), ...named]));
  }
  return cohort;
}

/** The types of which these categories may hold resources. */
export function typesOf(categories: ReadonlySet<string>): readonly string[] {
  return servedTypes.filter((type) => mayHold(categories, type));
}

const ofType = new Map<string, ReadonlySet<string> | "any">();

/** Whether resources of a type may fall into these categories. Observations fall into many, by their codes. */
export function mayHold(categories: ReadonlySet<string>, type: string): boolean {
  const possible = ofType.get(type) ?? categoriesOfType(type);
  ofType.set(type, possible);
  return possible === "any" || [...possible].some((one) => categories.has(one));
}

function categoriesOfType(type: string): ReadonlySet<string> | "any" {
  const classes = shippedTerminology.classify({ types: [type], codings: [], observations: [] });
  if (type === "Observation" || !("keys" in classes)) return "any";
  return new Set(classes.keys.flatMap((key) => [...shippedTerminology.categoriesOf(key)]));
}

const patientsAPart = 100;

/** In how many parts the files of a type come, so that one that breaks off is made again soon. */
export function partsOf(cohort: Cohort): number {
  return Math.max(1, Math.ceil(cohort.size / patientsAPart));
}

/** The patients of one part, sorted. A patient stays in their part, whoever comes or goes. */
export function patientsOfPart(cohort: Cohort, part: number, parts: number): readonly string[] {
  return [...cohort.keys()].filter((patient) => partOf(patient, parts) === part).sort();
}

function partOf(patient: string, parts: number): number {
  return createHash("sha256").update(patient).digest().readUInt32BE(0) % parts;
}
