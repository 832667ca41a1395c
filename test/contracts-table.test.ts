import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { type Company, enrolCompany, enrolPerson, operatorAt } from "@wellapi/demo/people";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { BatchReceiptSchema, ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService, RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "./decided.ts";
import { sharedExchange } from "./shared-exchange.ts";
import { wholeObservations } from "./whole-observations.ts";

const DAY = 86_400_000;

/** The rows of docs/contracts.md that begin with an item: what is sent, what becomes of it, what is read. */
const rows = readFileSync(new URL("../docs/contracts.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => /^\| `\{"(series|observation|timeZone)"/.test(line))
  .map(
    (line) =>
      line.split(" | ").map((cell) =>
        cell
          .replace(/^\| |\|$/g, "")
          .replaceAll("`", "")
          .trim(),
      ) as [string, string, string],
  );

describe("what docs/contracts.md says of what a provider sends", () => {
  const server = sharedExchange();
  let maker: Company;
  let clinic: Company;
  let apiKey: string;
  const ids = new Map<Company, string>();

  beforeAll(async () => {
    maker = await enrolCompany(server, "Table Maker");
    clinic = await enrolCompany(server, "Table Clinic");
    const person = await enrolPerson(server, "Table Person");
    for (const company of [maker, clinic]) {
      await createClient(ConsentService, person.transport).createConsent({
        requestId: randomUUID(),
        consent: {
          grantee: company.organization,
          provisions: [
            {
              effect: Provision_Effect.PERMIT,
              directions: company === maker ? [Direction.CONTRIBUTE, Direction.READ] : [Direction.READ],
              categories: shippedTerminology.categories.map((name) => ({ name })),
              purposes: [Purpose.TREATMENT],
              resolution: Resolution.RAW,
            },
          ],
        },
      });
      const { consents } = await createClient(ConsentService, company.transport).listConsents({});
      ids.set(company, consents[0]!.patient);
    }
    const operator = operatorAt(server);
    const { applications } = await createClient(OrganizationService, operator).listApplications({
      organization: maker.organization,
    });
    const issued = await createClient(CredentialService, operator).createApiKey({
      requestId: randomUUID(),
      application: applications[0]!.id,
    });
    apiKey = issued.apiKey;
  });

  /** A call as a web partner makes it. */
  async function post(method: string, body: JsonObject): Promise<JsonObject> {
    const answer = await fetchDecided(`${server.http}/wellapi.ingestion.v1.IngestionService/${method}`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect([answer.status, answer.ok ? "" : await answer.text()]).toEqual([200, ""]);
    return (await answer.json()) as JsonObject;
  }

  const goodSeries = {
    code: { code: "8867-4" },
    unit: "/min",
    times: { startTimeText: "2026-03-01T00:00:00Z" },
    decimals: { values: ["60"] },
  };
  const goodObservation = {
    code: { code: "29463-7" },
    effectiveTimeText: "2026-03-01T00:00:00Z",
    quantity: { value: "80", unit: "kg" },
  };

  /** The samples of the day that the item names. */
  async function readSeries(item: JsonObject): Promise<unknown[]> {
    const { code } = fromJson(SeriesSchema, item);
    // Nothing is stored, nor may be read, under a code that nobody knows.
    if (shippedTerminology.findCode(code!.code, code!.system) === undefined) return [];
    const { startTime, startTimeText } = item.times as Record<string, string>;
    const day = Date.parse((startTimeText ?? startTime)!.slice(0, 10));
    const { series } = await createClient(RecordsService, maker.transport).querySeries({
      patient: ids.get(maker)!,
      code: { system: code!.system, code: code!.code },
      purpose: Purpose.TREATMENT,
      interval: { startTime: timestampFromMs(day), endTime: timestampFromMs(day + DAY) },
    });
    return series.map(({ series: one }) => toJson(SeriesSchema, one!));
  }

  async function readObservation(company: Company, observation: string) {
    const answer = await createClient(RecordsService, company.transport).getObservation({
      patient: ids.get(company)!,
      observation,
      purpose: Purpose.TREATMENT,
    });
    return answer.observation!.observation!;
  }

  test("has rows of either outcome", () => {
    expect(rows.filter(([, outcome]) => outcome === "accepted").length).toBeGreaterThan(8);
    expect(rows.filter(([, outcome]) => outcome !== "accepted").length).toBeGreaterThan(8);
  });

  test.each(rows)("%s is %s", async (sent, outcome, read) => {
    const { timeZone, series, observation } = JSON.parse(sent) as Record<string, JsonObject>;
    const kind = series === undefined ? "observations" : "series";
    const items = series === undefined ? [goodObservation, observation!] : [goodSeries, series];
    const batch = {
      requestId: randomUUID(),
      patient: ids.get(maker)!,
      ...(timeZone ? { timeZone } : {}),
      [kind]: items,
    };
    const { receipt } = await post(series === undefined ? "CreateObservations" : "CreateSeries", {
      batch,
    } as JsonObject);
    const { items: outcomes } = fromJson(BatchReceiptSchema, receipt!);
    expect(outcomes[0]!.status).toBe(ItemOutcome_Status.ACCEPTED);
    const { status, violations, observation: id } = outcomes[1]!;
    const paths = violations.map(({ field, reason }) => {
      const path = field.replace(/^(series|observations)\[1\]\.?/, "");
      return path === "" ? reason : `${reason} at ${path}`;
    });
    expect(status === ItemOutcome_Status.ACCEPTED ? "accepted" : paths.join(", ")).toBe(outcome);
    const expected = read === "nothing" ? [] : [JSON.parse(read)];
    const found =
      series !== undefined
        ? await readSeries(series)
        : id === ""
          ? []
          : [toJson(ObservationSchema, await readObservation(maker, id))];
    expect(found).toHaveLength(expected.length);
    expect(found).toMatchObject(expected);
  });

  test("a batch that was taken back by its request id is RETRACTED when it is sent again", async () => {
    const patient = ids.get(maker)!;
    const batch = {
      requestId: randomUUID(),
      patient,
      observations: [goodObservation, { ...goodObservation, code: {} }],
    };
    const first = await post("CreateObservations", { batch } as JsonObject);
    const client = createClient(IngestionService, maker.transport);
    const named = { patient, reason: RetractionReason.ENTERED_IN_ERROR };
    const taken = await client.retractBatch({
      ...named,
      target: { case: "batchRequestId", value: batch.requestId },
    });
    expect(taken.items).toBe(1);
    const token = (first.receipt as JsonObject).batch as string;
    expect(await client.retractBatch({ ...named, target: { case: "batch", value: token } })).toEqual(taken);
    const again = await post("CreateObservations", { batch } as JsonObject);
    const statuses = fromJson(BatchReceiptSchema, again.receipt!).items.map(({ status }) => status);
    expect(statuses).toEqual([ItemOutcome_Status.RETRACTED, ItemOutcome_Status.REJECTED]);
  });

  test("whole observations come back as they were sent; their sender's own names go to nobody else", async () => {
    const sent = wholeObservations(120);
    const client = createClient(IngestionService, maker.transport);
    const batch = { requestId: randomUUID(), patient: ids.get(maker)!, observations: sent };
    const { receipt } = await client.createObservations({ batch });
    expect(receipt!.items.flatMap(({ violations }) => violations)).toEqual([]);
    for (const [i, { observation }] of receipt!.items.entries()) {
      expect(await readObservation(maker, observation)).toEqual(sent[i]);
    }
    // The clinic's lists contain its own pairwise ids.
    const listed = await createClient(RecordsService, clinic.transport).listObservations({
      patient: ids.get(clinic)!,
      code: { code: "29463-7" },
      purpose: Purpose.TREATMENT,
      pageSize: 1_000,
    });
    const weights = sent.filter(({ code }) => code!.code === "29463-7");
    expect(weights.length).toBeGreaterThan(10);
    for (const { device, ...weight } of weights) {
      const others = { ...weight, externalId: "" };
      expect(listed.observations.map(({ observation }) => observation)).toContainEqual(others);
    }
  }, 60_000);
});
