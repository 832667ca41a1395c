/** What an organization's developers see of its requests: of every door, the good ones and the refused ones. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { toJson } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { type Company, enrolCompany, operatorAt } from "@wellapi/demo/people";
import {
  type LoggedRequest,
  LoggedRequestSchema,
  RequestLogService,
  type WatchRequestsResponse,
} from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

const listConsents = "/wellapi.consent.v1.ConsentService/ListConsents";

describe("an organization's requests", () => {
  const server = sharedExchange();
  let company: Company;
  let application: string;
  let key: { readonly apiKey: string; readonly id: string };

  beforeAll(async () => {
    company = await enrolCompany(server, "Requests");
    const operator = operatorAt(server);
    const { organization } = company;
    const { applications } = await createClient(OrganizationService, operator).listApplications({
      organization,
    });
    application = applications[0]!.id;
    const issued = await createClient(CredentialService, operator).createApiKey({
      requestId: randomUUID(),
      application,
    });
    key = { apiKey: issued.apiKey, id: issued.credential!.id };
  });

  const post = (path: string, body: string, type = "application/json") =>
    fetch(`${server.http}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key.apiKey}`, "content-type": type },
      body,
    });

  const requests = () => createClient(RequestLogService, company.transport);

  /** The request with that id, once it is there. */
  const requestOf = (answer: Response) => requestWith(answer.headers.get("x-request-id"));

  async function requestWith(header: unknown): Promise<LoggedRequest> {
    const requestId = String(header);
    const found = async () => (await requests().listRequests({ filter: { requestId } })).requests;
    await expect.poll(async () => (await found()).length).toBe(1);
    return (await found())[0]!;
  }

  test("are there, whatever came of them: the good, the malformed, of a wrong type, of a revoked key", async () => {
    const answers = {
      good: await post(listConsents, "{}"),
      malformed: await post(listConsents, '{"pageSize":'),
      wrongType: await post(listConsents, "{}", "text/plain"),
      typo: await post(listConsents.replace("List", "Lst"), "{}"),
      nowhere: await post("/patients/Jane%20Canary?name=canary", "{}"),
    };
    expect([answers.typo.status, answers.nowhere.status]).toEqual([404, 404]);
    expect(await requestOf(answers.typo)).toMatchObject({
      method: "wellapi.consent.v1.ConsentService/(unknown)",
      reason: "NOT_FOUND",
      application,
    });
    const nowhere = await requestOf(answers.nowhere);
    expect(nowhere).toMatchObject({ method: "(unknown path)", status: "NOT_FOUND", credential: key.id });
    expect(JSON.stringify(toJson(LoggedRequestSchema, nowhere))).not.toMatch(/canary/i);
    const good = await requestOf(answers.good);
    expect(good).toMatchObject({
      application,
      credential: key.id,
      method: listConsents.slice(1),
      protocol: "connect",
      status: "OK",
      reason: "",
    });
    expect(good.durationMs).toBeGreaterThan(0);
    expect(await requestOf(answers.malformed)).toMatchObject({ reason: "MALFORMED_MESSAGE", application });
    expect(answers.wrongType.status).toBe(415);
    expect(await requestOf(answers.wrongType)).toMatchObject({
      reason: "UNSUPPORTED_MEDIA_TYPE",
      application,
    });
    await createClient(CredentialService, operatorAt(server)).revokeCredential({
      credential: key.id,
    });
    const revoked = await post(listConsents, "{}");
    expect(revoked.status).toBe(401);
    expect(await revoked.text()).not.toContain(company.organization);
    expect(await requestOf(revoked)).toMatchObject({ reason: "CREDENTIAL_INVALID", credential: key.id });
  });

  /** A call at the gRPC door by a client that is none of gRPC's; the answer's headers. */
  async function atGrpcDoor(path: string, type: string): Promise<IncomingHttpHeaders> {
    const session = connectHttp2(server.grpc, { ...company.certificate });
    try {
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": type });
      const answered = once(stream, "response") as Promise<[IncomingHttpHeaders]>;
      stream.end();
      return (await answered)[0];
    } finally {
      session.destroy();
    }
  }

  test("are there where no handler saw them: of gRPC's door, and of FHIR before its first call", async () => {
    const issued = await createClient(CredentialService, operatorAt(server)).createApiKey({
      requestId: randomUUID(),
      application,
    });
    const bearer = { authorization: `Bearer ${issued.apiKey}` };
    const noBody = await fetch(`${server.http}/fhir/R4/Patient/Jane-Canary`, {
      method: "DELETE",
      headers: { ...bearer, "content-type": "text/plain" },
      body: "Canary",
    });
    const noFormat = await fetch(`${server.http}/fhir/R4/Observation?patient=Canary`, {
      headers: { ...bearer, accept: "text/csv" },
    });
    expect([noBody.status, noFormat.status]).toEqual([415, 406]);
    const refusedAtFhir = [await requestOf(noBody), await requestOf(noFormat)];
    expect(refusedAtFhir).toMatchObject([
      {
        method: "DELETE /fhir/R4/:type/:id",
        reason: "UNSUPPORTED_MEDIA_TYPE",
        credential: issued.credential!.id,
      },
      { method: "GET /fhir/R4/:type", reason: "NOT_ACCEPTABLE", protocol: "http" },
    ]);
    expect(JSON.stringify(refusedAtFhir.map((one) => toJson(LoggedRequestSchema, one)))).not.toMatch(
      /canary/i,
    );

    const typo = await atGrpcDoor(listConsents.replace("List", "Lst"), "application/grpc");
    const nowhere = await atGrpcDoor("/patients/Jane-Canary", "application/grpc");
    const noGrpc = await atGrpcDoor(listConsents, "application/json");
    const grpc = { protocol: "grpc", status: "UNIMPLEMENTED", application };
    expect(await requestWith(noGrpc["x-request-id"])).toMatchObject({
      ...grpc,
      reason: "UNSUPPORTED_MEDIA_TYPE",
      method: listConsents.slice(1),
    });
    expect(await requestWith(typo["x-request-id"])).toMatchObject({
      ...grpc,
      method: "wellapi.consent.v1.ConsentService/(unknown)",
    });
    expect(await requestWith(nowhere["x-request-id"])).toMatchObject({ ...grpc, method: "(unknown path)" });
  });

  test("are streamed, from the gRPC door and from FHIR, and looks at them are not among them", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      const answers: AsyncIterable<WatchRequestsResponse> = requests().watchRequests(
        {},
        { signal: stop.signal },
      );
      for await (const { requests: some } of answers)
        for (const { protocol, method, status } of some)
          seen.push(`${protocol} ${method.split("/")[1]} ${status}`);
    })().catch(() => {});
    // Again and again: what came before the stream was open is not told by it.
    const ask = async () => {
      await createClient(ConsentService, company.transport).listConsents({});
      return seen;
    };
    await expect.poll(ask).toContain("grpc ListConsents OK");
    const { apiKey } = await createClient(CredentialService, operatorAt(server)).createApiKey({
      requestId: randomUUID(),
      application,
    });
    const headers = { authorization: `Bearer ${apiKey}` };
    await fetch(`${server.http}/fhir/R4/Consent`, { headers });
    await expect.poll(() => seen.filter((one) => one.startsWith("http ")).length).toBeGreaterThan(0);
    stop.abort();
    await watching;
    expect(seen.filter((one) => /Requests/.test(one))).toEqual([]);
  });

  test("of others are theirs", async () => {
    const other = await enrolCompany(server, "Other Requests");
    await createClient(ConsentService, other.transport).listConsents({});
    const own = createClient(RequestLogService, other.transport);
    await expect.poll(async () => (await own.listRequests({})).requests.length).toBeGreaterThan(0);
    const { requests: seen } = await own.listRequests({});
    expect(seen.map((one) => one.application)).not.toContain(application);
    const stranger = createClient(RequestLogService, connect({ url: server.http }));
    await expect(stranger.listRequests({})).rejects.toThrow(/credential/);
  });
});
