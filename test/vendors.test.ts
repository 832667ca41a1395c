import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { keyOf } from "@wellapi/demo/fhir-reader";
import { type Company, enrolCompany, enrolPerson } from "@wellapi/demo/people";
import { temporaryFolder } from "@wellapi/demo/server";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "./decided.ts";
import { sharedExchange } from "./shared-exchange.ts";

const file = new URL("./data/vendors/fitbit/fitbit-body-log-weight.json", import.meta.url);
const weights = readFileSync(file);

describe("a vendor's document over HTTP", () => {
  const folder = temporaryFolder();
  const server = sharedExchange();
  let maker: Company;
  let apiKey: string;
  let patient: string;

  beforeAll(async () => {
    maker = await enrolCompany(server, "Vendor Maker");
    const person = await enrolPerson(server, "Vendor Person");
    await createClient(ConsentService, person.transport).createConsent({
      requestId: randomUUID(),
      consent: {
        grantee: maker.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.CONTRIBUTE, Direction.READ],
            categories: [{ name: "body" }],
            purposes: [Purpose.TREATMENT],
            resolution: Resolution.RAW,
          },
        ],
      },
    });
    const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
    patient = consents[0]!.patient;
    apiKey = await keyOf(server, maker);
  });
  afterAll(() => folder.remove());

  async function post(
    change: Record<string, string> = {},
    body: Uint8Array<ArrayBuffer> | string = weights,
    vendor = "fitbit",
  ) {
    const headers = {
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/json",
      "idempotency-key": "weights-2015-05",
      "wellapi-patient": patient,
      "wellapi-vendor-user": "26FWFL",
      "wellapi-time-zone": "America/Los_Angeles",
      ...change,
    };
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ""));
    const answer = await fetchDecided(`${server.http}/ingest/${vendor}`, {
      method: "POST",
      headers: given,
      body,
    });
    return { status: answer.status, body: (await answer.json()) as { items: object[]; message: string } };
  }

  test("is stored once, however often it is sent, and read back with its digits", async () => {
    const first = await post();
    expect([first.status, first.body.message]).toEqual([200, undefined]);
    expect(first.body.items).toMatchObject([
      { path: "weight[0..3].weight", count: 4, status: "STATUS_ACCEPTED" },
      { path: "weight[0..3].bmi", count: 4, status: "STATUS_ACCEPTED" },
    ]);
    expect((await post()).body.items).toMatchObject([
      { status: "STATUS_DUPLICATE" },
      { status: "STATUS_DUPLICATE" },
    ]);
    const { series } = await createClient(RecordsService, maker.transport).querySeries({
      patient,
      code: { code: "29463-7" },
      purpose: Purpose.TREATMENT,
    });
    const decimals = series.flatMap(({ series: one }) =>
      one!.values.case === "decimals" ? [one!.values.value] : [],
    );
    expect(decimals).toMatchObject([{ scale: 1, mantissas: [567, 559, 581, 572] }]);
  });

  test("of another person is refused, also under a new key", async () => {
    await post();
    const other = await post({ "wellapi-vendor-user": "ANOTHER", "idempotency-key": "other-1" });
    expect(other.status).toBe(403);
    expect(other.body).toMatchObject({ reason: "OTHER_VENDOR_USER" });
  });

  test.each([
    ["without a key of its own", { "idempotency-key": "" }, /^the header idempotency-key: /],
    ["without a patient", { "wellapi-patient": "" }, /^the header wellapi-patient: /],
    [
      "without its person",
      { "wellapi-vendor-user": "" },
      /^the header wellapi-vendor-user: the document does not/,
    ],
    ["in a zone that is none", { "wellapi-time-zone": "Mars" }, /^the header wellapi-time-zone: is no IANA/],
  ])("%s is refused, and the answer names the header", async (_what, change, message) => {
    const { status, body } = await post(change);
    expect(status).toBe(400);
    expect(body.message).toMatch(message);
  });

  test("needs a credential, a patient who consents, and no more than its bytes", async () => {
    expect((await post({ authorization: "" })).status).toBe(401);
    expect((await post({ "wellapi-patient": "pat_00000000000000000000000000" })).body).toMatchObject({
      reason: "CONSENT_REQUIRED",
    });
    expect((await post({}, " ".repeat(1_000_001))).status).toBe(413);
    expect((await post({ "content-type": "text/xml" })).status).toBe(415);
  });

  test("goes in by the command, too", async () => {
    const { run } = await import("../cli/src/program.ts");
    const written: string[] = [];
    const sink = { write: (text: string) => written.push(text) > 0, isTTY: false };
    const io = { env: {}, stdout: sink, stderr: sink, exitCode: 0 } as never;
    const credentials = join(folder.path, "pulse");
    mkdirSync(credentials);
    const { cert, key, ca } = maker.certificate;
    for (const [name, pem] of Object.entries({ cert, key, ca })) {
      writeFileSync(join(credentials, `${name}.pem`), pem);
    }
    const code = await run(io, [
      ...["ingest", fileURLToPath(file), "--from", "fitbit", "--patient", patient],
      ...["--vendor-user", "26FWFL", "--time-zone", "America/Los_Angeles"],
      ...["--credentials", credentials, "--grpc-url", server.grpc, "--json"],
    ]);
    expect([code, written.join("")]).toEqual([0, expect.stringContaining('"accepted":8')]);
  });
});
