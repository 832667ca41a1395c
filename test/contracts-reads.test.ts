import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type DescMethod,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import { ProvisionSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { problemOf } from "@wellapi/rpc";
import { shippedTerminology } from "@wellapi/terminology";
import { beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

type Row = [stored: string, consent: string, asked: string, answer: string];

/** The rows of docs/contracts.md that begin with a list: what is stored, permitted, asked and answered. */
const rows = readFileSync(new URL("../docs/contracts.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `["))
  .map(
    (line) =>
      line.split(" | ").map((cell) =>
        cell
          .replace(/^\| |\|$/g, "")
          .replaceAll("`", "")
          .trim(),
      ) as Row,
  );

/** Matches an answer that holds all of it, with no more items in any list. Sources may come in any order. */
function matching(expected: JsonValue): unknown {
  if (Array.isArray(expected)) {
    const items = expected.map(matching);
    return expect.toSatisfy(
      (found: unknown) =>
        Array.isArray(found) &&
        found.length === items.length &&
        items.every((item) => found.some((one) => holds(item, one))),
      JSON.stringify(expected),
    );
  }
  if (typeof expected !== "object" || expected === null) return expected;
  return expect.objectContaining(
    Object.fromEntries(Object.entries(expected).map(([name, member]) => [name, matching(member)])),
  );
}

function holds(expected: unknown, found: unknown): boolean {
  const matcher = expected as { asymmetricMatch?: (value: unknown) => boolean };
  return matcher.asymmetricMatch?.(found) ?? expected === found;
}

describe("what docs/contracts.md says of what a reader gets", () => {
  const server = sharedExchange();
  let maker: Company;
  let clinic: Company;

  beforeAll(async () => {
    maker = await enrolCompany(server, "Reads Maker");
    clinic = await enrolCompany(server, "Reads Clinic");
  });

  /** The patient's id as the company knows it. */
  async function consent(person: Person, company: Company, provision: JsonObject): Promise<string> {
    const client = createClient(ConsentService, company.transport);
    const before = new Set((await client.listConsents({})).consents.map(({ patient }) => patient));
    await createClient(ConsentService, person.transport).createConsent({
      requestId: randomUUID(),
      consent: { grantee: company.organization, provisions: [fromJson(ProvisionSchema, provision)] },
    });
    const { consents } = await client.listConsents({});
    return consents.find(({ patient }) => !before.has(patient))!.patient;
  }

  async function store(patient: string, items: readonly JsonObject[]): Promise<void> {
    const client = createClient(IngestionService, maker.transport);
    for (const { series, observation } of items as readonly Record<string, JsonObject>[]) {
      const batch = { requestId: randomUUID(), patient };
      const { receipt } =
        series === undefined
          ? await client.createObservations({
              batch: { ...batch, observations: [fromJson(ObservationSchema, observation!)] },
            })
          : await client.createSeries({ batch: { ...batch, series: [fromJson(SeriesSchema, series)] } });
      expect(receipt!.items.map(({ status }) => status)).toEqual([ItemOutcome_Status.ACCEPTED]);
    }
  }

  async function ask(patient: string, asked: string): Promise<JsonObject | string> {
    const space = asked.indexOf(" ");
    const method = RecordsService.methods.find(({ name }) => name === asked.slice(0, space)) as DescMethod;
    const request = { patient, purpose: "PURPOSE_TREATMENT", ...JSON.parse(asked.slice(space)) };
    const client = createClient(RecordsService, clinic.transport) as unknown as Record<
      string,
      (request: Message) => Promise<Message>
    >;
    try {
      const answer = await client[method.localName]!(fromJson(method.input, request));
      return toJson(method.output, answer) as JsonObject;
    } catch (error) {
      return problemOf(ConnectError.from(error)).reason;
    }
  }

  test("has rows with answers and with refusals", () => {
    expect(rows.filter(([, , , answer]) => answer.startsWith("{")).length).toBeGreaterThan(7);
    expect(rows.some(([, , , answer]) => answer === "CONSENT_REQUIRED")).toBe(true);
  });

  test.each(rows)(
    "%s, %s, %s",
    async (stored, permitted, asked, expected) => {
      const person = await enrolPerson(server, `Reads ${randomUUID()}`);
      const all = shippedTerminology.categories.map((name) => ({ name }));
      const effect = "EFFECT_PERMIT";
      const atMaker = await consent(person, maker, {
        effect,
        directions: ["DIRECTION_CONTRIBUTE"],
        categories: all,
      });
      await store(atMaker, JSON.parse(stored));
      const { categories, ...window } = JSON.parse(permitted) as { categories: string[] };
      const atClinic = await consent(person, clinic, {
        effect,
        directions: ["DIRECTION_READ"],
        categories: categories.map((name) => ({ name })),
        purposes: ["PURPOSE_TREATMENT"],
        resolution: "RESOLUTION_RAW",
        ...window,
      });
      const answer = await ask(atClinic, asked);
      if (!expected.startsWith("{")) return expect(answer).toBe(expected);
      const wanted = JSON.parse(expected) as JsonObject;
      const { access, ...told } = answer as JsonObject;
      expect(access).toMatch(/^acc_/);
      expect(Object.keys(told).sort()).toEqual(Object.keys(wanted).sort());
      expect(told).toEqual(matching(wanted));
    },
    30_000,
  );
});
