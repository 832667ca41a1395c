/** What a search of Observations asks of *records*, and what it does where an answer may not be passed on. */
import { Code, type HandlerContext } from "@connectrpc/connect";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import {
  RecordsService,
  type SearchObservationsRequest,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { openTestSurface } from "@wellapi/http/testing";
import { type AnswerGuard, type Objection, patientHeader, problemError } from "@wellapi/rpc";
import { createTrustingAuthentication, partialRoute } from "@wellapi/rpc/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fhirSurface } from "../src/fhir-surface.ts";
// Loaded before the server counts the seconds of its start.
import "../src/rest/routes.ts";

const patient = "pat-0123456789abcdefghjkmnpqrs";
/** The objection to each answer, in their order; behind them there are none. */
let objections: (Objection | undefined)[] = [];
let asked: SearchObservationsRequest[] = [];
let alone: string[] = [];
/** Whether *records* is of an earlier release. */
let isOld = false;

const guard: AnswerGuard = {
  begin() {
    const objection = objections.shift();
    return { about: () => {}, objection: () => objection, onObjection: () => () => {} };
  },
};

function answer(method: string, { responseHeader }: HandlerContext) {
  alone.push(method);
  responseHeader.set(patientHeader, "local/pat_1");
  return {};
}

const routes = [
  partialRoute(RecordsService, {
    searchObservations(request, { responseHeader }) {
      if (isOld) throw problemError({ code: Code.Unimplemented, reason: "UNIMPLEMENTED", message: "" });
      asked.push(request);
      responseHeader.set(patientHeader, "local/pat_1");
      const { clinicalRecords, observations, series } = request;
      return {
        ...(clinicalRecords && { clinicalRecords: {} }),
        ...(observations && { observations: {} }),
        ...(series && { series: {} }),
      };
    },
    listObservations: (_, context) => answer("ListObservations", context),
    querySeries: (_, context) => answer("QuerySeries", context),
  }),
  partialRoute(ClinicalRecordsService, {
    listClinicalRecords: (_, context) => answer("ListClinicalRecords", context),
  }),
];

describe("a search of Observations", () => {
  let surface: Awaited<ReturnType<typeof openTestSurface>>;

  beforeAll(async () => {
    surface = await openTestSurface(fhirSurface, {
      routes,
      answers: guard,
      authentication: createTrustingAuthentication({
        principal: { kind: "application", id: "app_1", organization: "org_1" },
        workload: "fhir",
        token: "t",
      }),
      origin: () => "https://exchange.example.com",
    });
  });
  afterAll(() => surface?.close());
  beforeEach(() => {
    objections = [];
    asked = [];
    alone = [];
    isOld = false;
  });

  const ask = (query = "", init: RequestInit = {}) =>
    fetch(`${surface.url}/fhir/R4/Observation${query}`, {
      headers: { authorization: "Bearer good" },
      ...init,
    });
  const query = `?patient=${patient}&code=8867-4`;

  test("is one call for all sources, by GET and by POST", async () => {
    expect((await ask(query)).status).toBe(200);
    const body = new URLSearchParams(query);
    const headers = {
      authorization: "Bearer good",
      "content-type": "application/x-www-form-urlencoded",
    };
    expect((await ask("/_search", { method: "POST", headers, body })).status).toBe(200);
    expect(asked).toHaveLength(2);
    expect(alone).toEqual([]);
    for (const one of asked) {
      expect(one.patient).toBe(patient.replace("-", "_"));
      expect([one.clinicalRecords?.types, one.observations?.codes, one.series?.codes]).toMatchObject([
        ["Observation"],
        [{ code: "8867-4" }],
        [{ code: "8867-4" }],
      ]);
    }
  });

  test("asks the one source that can have what is searched for", async () => {
    expect((await ask(`?patient=${patient}&code=no-such-code`)).status).toBe(200);
    expect([asked, alone]).toEqual([[], ["ListClinicalRecords"]]);
  });

  test("asks a records service of an earlier release source by source", async () => {
    isOld = true;
    expect((await ask(query)).status).toBe(200);
    expect(alone.sort()).toEqual(["ListClinicalRecords", "ListObservations", "QuerySeries"]);
  });

  test.each<[Objection]>([["unsure"], ["recalled"]])(
    "whose answer is %s is made once more, and the second answer leaves",
    async (objection) => {
      objections = [objection];
      expect((await ask(query)).status).toBe(200);
      expect(asked).toHaveLength(2);
    },
  );

  test("is refused with when to come again where the second answer may not leave either", async () => {
    objections = ["unsure", "unsure"];
    const answered = await ask(query);
    expect([answered.status, answered.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(asked).toHaveLength(2);
  });
});
