import { CodeService } from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { openTestSurface } from "@wellapi/http/testing";
import { createTrustingAuthentication, partialRoute } from "@wellapi/rpc/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fhirSurface } from "../src/fhir-surface.ts";

describe("resources one a line", () => {
  let surface: Awaited<ReturnType<typeof openTestSurface>>;

  beforeAll(async () => {
    surface = await openTestSurface(fhirSurface, {
      routes: [ClinicalRecordsService, ExportService, CodeService].map((service) =>
        partialRoute(service, {}),
      ),
      authentication: createTrustingAuthentication({
        principal: { kind: "application", id: "app_1", organization: "org_1" },
        workload: "gateway",
        token: "t",
      }),
      origin: () => "https://exchange.example.com",
    });
  });
  afterAll(() => surface?.close());

  test.each([
    ["POST", "/Condition"],
    ["PUT", "/Condition/rec-1"],
    ["POST", ""],
    ["POST", "/Patient/$export"],
    ["POST", "/Group/consented/$export"],
    ["POST", "/Condition/$validate"],
    ["POST", "/CodeSystem/$lookup"],
  ])("are refused as the caller's mistake where one resource is asked for: %s %s", async (method, path) => {
    const answer = await fetch(`${surface.url}/fhir/R4${path}`, {
      method,
      headers: {
        authorization: "Bearer good",
        "content-type": "application/fhir+ndjson",
        prefer: "respond-async",
      },
      body: '{"resourceType":"Condition"}\n',
    });
    const { issue } = (await answer.json()) as { issue: { details: { text: string } }[] };
    expect([answer.status, issue[0]!.details.text]).toEqual([
      400,
      expect.stringContaining("Send a resource"),
    ]);
  });
});
