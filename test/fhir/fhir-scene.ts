import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { consentFor } from "@wellapi/demo/consents";
import { type Company, enrolPerson, type Person } from "@wellapi/demo/people";
import type { Announcement } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect } from "vitest";
import { fetchDecided } from "../decided.ts";

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a resource of any type
  readonly body: any;
}

/** Asks a server's FHIR as the holder of a key. */
export async function askFhir(
  server: Pick<Announcement, "http">,
  key: string,
  path: string,
  init: RequestInit = {},
): Promise<Told> {
  const url = path.startsWith("http") ? path : `${server.http}/fhir/R4${path}`;
  const answer = await fetchDecided(url, { ...init, headers: { "x-api-key": key, ...init.headers } });
  const text = await answer.text();
  const json = answer.headers.get("content-type")?.includes("json") === true && text !== "";
  return { status: answer.status, headers: answer.headers, text, body: json ? JSON.parse(text) : text };
}

export type SeriesInit = Exclude<MessageInitShape<typeof SeriesSchema>, { $typeName: string }>;
export type ObservationInit = Exclude<MessageInitShape<typeof ObservationSchema>, { $typeName: string }>;

/** Values of a band a period apart. */
export function bandSeries(
  code: string,
  unit: string,
  start: number,
  values: readonly string[],
  periodMs = 60_000,
  durationMs = 0,
): SeriesInit {
  return {
    code: { code },
    unit,
    device: { identifier: "serial-1", model: "Band" },
    times: {
      start: { case: "startTime", value: timestampFromMs(start) },
      utcOffsetMinutes: 60,
      ...(values.length > 1 && { spacing: { case: "periodMs", value: periodMs } }),
      durationMs,
    },
    ...(durationMs > 0 && { granularity: 2 }),
    values: { case: "decimals", value: { values: [...values] } },
  };
}

export function single(code: string, unit: string, time: number, value: string): ObservationInit {
  return {
    code: { code },
    effective: { case: "effectiveTime", value: timestampFromMs(time) },
    utcOffsetMinutes: 60,
    value: { case: "quantity", value: { value, unit } },
    device: { identifier: "scale-9", model: "Scale" },
  };
}

/** FHIR's id of the person at the company. */
export async function patientAt(
  { transport }: Company,
  not: ReadonlySet<string> = new Set(),
): Promise<string> {
  const { consents } = await createClient(ConsentService, transport).listConsents({ pageSize: 100 });
  const ids = new Set(consents.map(({ patient }) => patient.replace("_", "-")));
  return [...ids].find((id) => !not.has(id))!;
}

/** A person of whom the maker may contribute and the clinic read the categories; with their id at the maker and at the clinic. */
export async function patientOf(
  server: Announcement,
  parties: { readonly maker: Company; readonly clinic: Company; readonly known: Set<string> },
  reading: Parameters<ReturnType<typeof readerGrant>>[1],
): Promise<{ readonly person: Person; readonly atMaker: string; readonly atClinic: string }> {
  const { maker, clinic, known } = parties;
  const person = await enrolPerson(server, `Person ${randomUUID()}`);
  const contributed = [
    "heart",
    "body",
    "blood_pressure",
    "activity",
    "temperature",
    "sleep",
    "wellbeing",
    "conditions",
    "allergies",
  ];
  const give = (consent: object) =>
    createClient(ConsentService, person.transport).createConsent({ requestId: randomUUID(), consent });
  await give(consentFor(maker, Direction.CONTRIBUTE, contributed));
  await readerGrant(give)(clinic, reading);
  const atMaker = await patientAt(maker, known);
  known.add(atMaker);
  const atClinic = await patientAt(clinic, known);
  known.add(atClinic);
  return { person, atMaker: atMaker.replace("-", "_"), atClinic };
}

function readerGrant(give: (consent: object) => Promise<unknown>) {
  return async (
    clinic: Company,
    { categories, from }: { readonly categories: readonly string[]; readonly from?: number },
  ) => {
    const consent = consentFor(clinic, Direction.READ, categories);
    const [provision] = consent.provisions;
    const window =
      from === undefined
        ? {}
        : { window: { case: "capturedWithin", value: { startTime: timestampFromMs(from) } } };
    await give({ ...consent, provisions: [{ ...provision, ...window }] });
  };
}

export async function contribute(
  { transport }: Company,
  patient: string,
  {
    series = [],
    observations = [],
  }: { readonly series?: SeriesInit[]; readonly observations?: ObservationInit[] },
): Promise<void> {
  const ingestion = createClient(IngestionService, transport);
  const outcomes = [];
  if (series.length > 0) {
    const { receipt } = await ingestion.createSeries({ batch: { requestId: randomUUID(), patient, series } });
    outcomes.push(...receipt!.items);
  }
  if (observations.length > 0) {
    const batch = { requestId: randomUUID(), patient, observations };
    outcomes.push(...(await ingestion.createObservations({ batch })).receipt!.items);
  }
  expect(outcomes.filter(({ status }) => status !== ItemOutcome_Status.ACCEPTED)).toEqual([]);
}
