import { Code, createClient } from "@connectrpc/connect";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import {
  type Authentication,
  anonymous,
  type Budget,
  callerKey,
  type Principal,
  problemError,
  problemFor,
} from "@wellapi/rpc";
import { partialRoute } from "@wellapi/rpc/testing";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import type { HttpProblem, Surface } from "../src/index.ts";
import { openTestSurface } from "../src/testing.ts";
import { withoutBody } from "./raw-http.ts";

const holders: Readonly<Record<string, Principal>> = {
  "Bearer operator": { kind: "operator", id: "opr_1" },
  "Bearer application": { kind: "application", id: "app_1", organization: "org_1" },
};

const authentication: Authentication = {
  recheckMs: 60_000,
  forget: () => {},
  async authenticate({ header }) {
    const shown = header.get("authorization");
    if (shown === null) return { caller: { ...anonymous, workload: "gateway" } };
    const principal = holders[shown];
    if (principal === undefined) {
      throw problemError({ code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID", message: "unknown" });
    }
    return { caller: { principal, workload: "gateway", token: "t" } };
  },
};

/** A surface that makes patients of bodies: two routes, and one that takes none. */
const patients: Surface = {
  name: "patients",
  paths: ["/patients/"],
  methods: ["POST", "DELETE"],
  bodies: { limit: 100_000, parsers: { "application/json": (bytes) => JSON.parse(bytes.toString()) } },
  mount(app, context) {
    const config = { rpc: PatientService.method.getPatient };
    app.post<{ Body: { id: string } }>("/patients/", { config }, async (request) => {
      const client = createClient(PatientService, context.as(request));
      const { patient } = await client.getPatient({ patient: request.body.id });
      const again = await client.getPatient({ patient: `${request.body.id}_2` });
      return [patient?.id, again.patient?.id];
    });
    app.post("/patients/unused", { config }, async () => "no call");
    app.delete("/patients/:id", async () => "gone");
  },
};

/** A sign-in: its credential is in the body. */
const signIn: Surface = {
  name: "sign-in",
  paths: ["/sign-in"],
  methods: ["POST"],
  bodies: {
    limit: 16_384,
    parsers: { "application/json": (bytes) => JSON.parse(bytes.toString()) },
    credential: "body",
  },
  mount(app, context) {
    app.post("/sign-in", { config: { rpc: TokenService.method.getJwks } }, async (request) => {
      const { jwks } = await createClient(TokenService, context.asAnyone(request)).getJwks({});
      return { jwks, body: request.body };
    });
  },
};

async function open(surface: Surface, budget?: Budget) {
  const lines: { reason?: string; request_id: string }[] = [];
  const kinds: string[] = [];
  const told: string[] = [];
  const { url, close } = await openTestSurface(surface, {
    routes: [
      partialRoute(PatientService, {
        getPatient({ patient }, { values }) {
          kinds.push(values.get(callerKey).principal.kind);
          return { patient: { id: patient } };
        },
      }),
      partialRoute(TokenService, {
        getJwks(_request, { values }) {
          kinds.push(values.get(callerKey).principal.kind);
          return { jwks: "{}" };
        },
      }),
    ],
    authentication,
    unadmitted: ({ method, problem }) => void told.push(`${method} ${problem.reason}`),
    log: { ...silentLogger, info: (fields: unknown) => void lines.push(fields as never) },
    ...(budget && { budget }),
  });
  onTestFinished(() => close());
  return { url, lines, kinds, told };
}

/** Writes down what it is asked. */
function recording(full = false) {
  const seen: string[] = [];
  const budget: Budget = {
    async admit({ method, caller, address }) {
      seen.push(`admit ${caller.principal.kind} at ${address} ${method.name}`);
      const end = (error: unknown) =>
        void seen.push(`end ${error === undefined ? "OK" : problemFor(error).reason}`);
      const spending = { message: () => {}, bytes: () => {}, pace: () => undefined, end };
      const code = Code.ResourceExhausted;
      const refusal = { code, reason: "RATE_LIMITED", message: "too many", retryAfterMs: 2_500 };
      return { state: undefined, spending, ...(full && { refusal }) };
    },
    beforeExchange: async () => undefined,
    exchanged: () => {},
  };
  return { budget, seen };
}

const post = (url: string, path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
const operator = { authorization: "Bearer operator" };

describe("where the credential is in a header, the answer comes before any of the body was sent:", () => {
  test.each([
    ["nobody", {}, 401, "CREDENTIAL_REQUIRED"],
    ["a wrong credential", { authorization: "Bearer wrong" }, 401, "CREDENTIAL_INVALID"],
    ["a caller of another kind", { authorization: "Bearer application" }, 403, "CALLER_NOT_PERMITTED"],
  ])("%s", async (_name, headers, status, reason) => {
    const { url, lines, kinds } = await open(patients);
    const answer = await withoutBody(url, "patients/", headers as Record<string, string>);
    expect([answer.status, JSON.parse(answer.body).reason]).toEqual([status, reason]);
    expect(lines).toEqual([expect.objectContaining({ reason })]);
    expect(answer.headers["x-request-id"]).toBe(lines[0]!.request_id);
    expect(kinds).toEqual([]);
  });

  test("a caller whose budget is used up", async () => {
    const { budget, seen } = recording(true);
    const { url } = await open(patients, budget);
    const answer = await withoutBody(url, "patients/", operator);
    expect([answer.status, answer.headers["retry-after"]]).toEqual([429, "3"]);
    expect(seen).toEqual(["admit operator at 127.0.0.1 GetPatient"]);
  });

  test("a body where no route takes one", async () => {
    const { url, lines } = await open(patients);
    const answer = await withoutBody(url, "patients/unknown", operator);
    expect(answer.status).toBe(404);
    const deleted = await fetch(`${url}/patients/1`, { method: "DELETE", body: "{}", headers: operator });
    expect([deleted.status, ((await deleted.json()) as HttpProblem).message]).toEqual([
      415,
      "send no body here",
    ]);
    expect(lines.map(({ reason }) => reason)).toEqual(["NOT_FOUND", "UNSUPPORTED_MEDIA_TYPE"]);
    // The logger writes a pseudonym.
    for (const line of lines) expect(line).toMatchObject({ caller_address: "127.0.0.1" });
  });
});

test("what is refused before a call is told by its route where a program shows a credential, and a call by itself alone", async () => {
  const { url, told } = await open(patients);
  const remove = (headers: Record<string, string>) =>
    fetch(`${url}/patients/jane`, { method: "DELETE", body: "{}", headers });
  expect((await remove({})).status).toBe(415);
  expect((await remove({ cookie: "__Host-session=x", "sec-fetch-site": "same-origin" })).status).toBe(415);
  expect(told).toEqual([]);
  expect((await remove(operator)).status).toBe(415);
  expect((await post(url, "/patients/", "{", operator)).status).toBe(400);
  expect((await post(url, "/patients/", "{}", { authorization: "Bearer wrong" })).status).toBe(401);
  expect(told).toEqual(["DELETE /patients/:id UNSUPPORTED_MEDIA_TYPE"]);
});

test("the first call of the body's RPC is the one that was admitted, the next is asked for again", async () => {
  const { budget, seen } = recording();
  const { url, lines } = await open(patients, budget);
  const answer = await post(url, "/patients/", '{"id":"pat_1"}', operator);
  expect(await answer.json()).toEqual(["pat_1", "pat_1_2"]);
  const one = ["admit operator at 127.0.0.1 GetPatient", "end OK"];
  expect(seen).toEqual([...one, ...one]);
  expect(lines).toHaveLength(2);
  expect(new Set(lines.map(({ request_id }) => request_id)).size).toBe(1);
});

test("a body that cannot be read ends the admitted call: one line, with the reason that the caller got", async () => {
  const { budget, seen } = recording();
  const { url, lines } = await open(patients, budget);
  for (const [body, type, status, reason] of [
    ["{", "application/json", 400, "MALFORMED_MESSAGE"],
    ["x".repeat(100_001), "application/json", 413, "MESSAGE_TOO_LARGE"],
    ["{}", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"],
  ] as const) {
    lines.length = 0;
    const answer = await post(url, "/patients/", body, { ...operator, "content-type": type });
    expect([answer.status, ((await answer.json()) as HttpProblem).reason]).toEqual([status, reason]);
    await expect.poll(() => lines.map((line) => line.reason)).toEqual([reason]);
    expect(answer.headers.get("x-request-id")).toBe(lines[0]!.request_id);
    expect(seen.at(-1)).toBe(`end ${reason}`);
  }
});

test("a route that makes no call still answers, and its admitted call ends", async () => {
  const { budget, seen } = recording();
  const { url } = await open(patients, budget);
  expect(await (await post(url, "/patients/unused", "{}", operator)).text()).toBe("no call");
  await expect.poll(() => seen.at(-1)).toBe("end CANCELED");
});

describe("where the credential is the body,", () => {
  test("the address's budget is asked before the body is read", async () => {
    const { budget, seen } = recording(true);
    const { url } = await open(signIn, budget);
    expect((await withoutBody(url, "sign-in", {})).status).toBe(429);
    expect(seen).toEqual(["admit anonymous at 127.0.0.1 GetJwks"]);
  });

  test("it is read for anybody, whatever credential the headers show, up to 16 KiB and not compressed", async () => {
    const { budget, seen } = recording();
    const { url, kinds } = await open(signIn, budget);
    const answer = await post(url, "/sign-in", '{"code":1}', { authorization: "Bearer wrong" });
    expect(await answer.json()).toEqual({ jwks: "{}", body: { code: 1 } });
    expect(kinds).toEqual(["anonymous"]);
    expect(seen).toEqual(["admit anonymous at 127.0.0.1 GetJwks", "end OK"]);
    expect((await post(url, "/sign-in", `"${"x".repeat(16_384)}"`)).status).toBe(413);
    expect((await withoutBody(url, "sign-in", { "content-encoding": "gzip" })).status).toBe(401);
  });

  test("a larger limit stops the start", async () => {
    const bodies = { ...(signIn.bodies as object), limit: 16_385 } as Surface["bodies"];
    await expect(open({ ...signIn, ...(bodies && { bodies }) })).rejects.toThrow(/at most 16384 bytes/);
  });
});
