import { randomUUID } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/cli/connection";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import type { Announcement } from "@wellapi/demo/server";
import type { Access } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { freshBatch } from "../drain-load.ts";

/** Of a server whose processes have the surfaces of tests. */
export const surfaceSettings = {
  NODE_OPTIONS: `--import=${new URL("preload.ts", import.meta.url).href}`,
};

interface Told {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/**
 * Two REST reads by callers that are nobody, wrong and right: the same in one process and over the mesh. A server with
 * `surfaceSettings`; it is asked for once.
 */
export function describeSurfaces(running: () => Announcement): void {
  describe("an HTTP surface", () => {
    let server: Announcement;
    let clinic: Company;
    let stranger: Company;
    let person: Person;
    let clinicKey = "";
    let strangerKey = "";
    let patientToken = "";
    let atClinic = "";

    beforeAll(async () => {
      server = running();
      const maker = await enrolCompany(server, "Surface maker");
      clinic = await enrolCompany(server, "Surface clinic");
      stranger = await enrolCompany(server, "Surface stranger");
      person = await enrolPerson(server, "Surface person");
      await grant(person, maker, Direction.CONTRIBUTE);
      await grant(person, clinic, Direction.READ);
      const idAt = async ({ transport }: Company) =>
        (await createClient(ConsentService, transport).listConsents({})).consents[0]!.patient;
      atClinic = await idAt(clinic);
      const batch = freshBatch(await idAt(maker));
      await createClient(IngestionService, maker.transport).createSeries({ batch });
      clinicKey = await keyOf(server, clinic);
      strangerKey = await keyOf(server, stranger);
      const issued = await createClient(TokenService, await operator(server)).issuePatientToken({
        patient: person.id,
        requestId: randomUUID(),
      });
      patientToken = issued.token;
    }, 90_000);

    const get = (path: string, secret?: string): Promise<Told> => ask(`${server.http}${path}`, secret);
    const heart = (secret?: string) => get(`/test/heart/${atClinic}`, secret);
    const patient = (secret?: string) => get(`/test/patients/${person.id}`, secret);

    test("gives nobody anything without a credential, or with one that is wrong", async () => {
      for (const read of [heart, patient]) {
        expect(await read()).toMatchObject({ status: 401, body: { reason: "CREDENTIAL_REQUIRED" } });
        for (const secret of [`${clinicKey.slice(0, -3)}AAA`, "wellapi_sk_none", `${patientToken}x`])
          expect(await read(secret)).toMatchObject({ status: 401, body: { reason: "CREDENTIAL_INVALID" } });
      }
    });

    test("refuses a caller of the wrong kind, and one without the patient's consent, as the RPC does", async () => {
      expect(await patient(clinicKey)).toMatchObject({
        status: 403,
        body: { reason: "CALLER_NOT_PERMITTED" },
      });
      expect(await heart(server.operatorKey!)).toMatchObject({
        status: 403,
        body: { reason: "CALLER_NOT_PERMITTED" },
      });
      expect(await heart(strangerKey)).toMatchObject({ status: 403, body: { reason: "CONSENT_REQUIRED" } });
      const another = await get("/test/patients/pat_nobody", patientToken);
      const byRpc = await ask(`${server.http}/wellapi.identity.v1.PatientService/GetPatient`, patientToken, {
        patient: "pat_nobody",
      });
      expect(another.status).toBe(403);
      expect([another.status, another.body.message]).toEqual([byRpc.status, byRpc.body.message]);
    });

    test("gives the permitted caller what the RPC gives", async () => {
      expect(await patient(patientToken)).toEqual({
        status: 200,
        body: { id: person.id, name: "Surface person" },
      });
      const read = await heart(clinicKey);
      expect(read.status).toBe(200);
      expect(read.body.samples).toEqual([70, 71, 72]);
    });

    test("is validated by the contract", async () => {
      const told = await get(`/test/patients/${"x".repeat(100)}`, patientToken);
      expect(told).toMatchObject({ status: 400, body: { reason: "INVALID_FIELD" } });
    });

    test("reaches no other service's RPC for which the contract does not name its service", async () => {
      const told = await get(`/test/heart/${person.id}/name`, patientToken);
      expect(told).toMatchObject({ status: 403, body: { reason: "CALLER_NOT_PERMITTED" } });
    });

    test("leaves the same entries in the log as the RPC, permitted and denied", async () => {
      const rpc = (method: string, body: object, secret: string) =>
        ask(`${server.http}/${method}`, secret, body);
      const series = { code: { code: "8867-4" }, purpose: "PURPOSE_TREATMENT" };
      const query = "wellapi.records.v1.RecordsService/QuerySeries";
      const pairs = [
        {
          seenBy: person.transport,
          bySurface: () => heart(clinicKey),
          byRpc: () => rpc(query, { patient: atClinic, ...series }, clinicKey),
        },
        {
          seenBy: stranger.transport,
          bySurface: () => heart(strangerKey),
          byRpc: () => rpc(query, { patient: atClinic, ...series }, strangerKey),
        },
        {
          seenBy: person.transport,
          bySurface: () => patient(patientToken),
          byRpc: () =>
            rpc("wellapi.identity.v1.PatientService/GetPatient", { patient: person.id }, patientToken),
        },
      ];
      for (const { seenBy, bySurface, byRpc } of pairs) {
        const audit = createClient(AuditService, seenBy);
        // The newest one may be of an earlier test: entries come a moment after their calls.
        const entryOf = async (read: () => Promise<Told>): Promise<Access> => {
          const begun = Date.now();
          await read();
          const found = async () =>
            (await audit.listAccesses({ pageSize: 100 })).accesses
              .map(({ access }) => access!)
              .find(({ time }) => timestampMs(time!) >= begun);
          await expect.poll(found).toBeDefined();
          return (await found())!;
        };
        const [one, other] = [await entryOf(byRpc), await entryOf(bySurface)];
        expect(other.id).not.toBe(one.id);
        // The same, but for what is each call's own.
        const own = { id: "", time: undefined, requestId: "" };
        expect({ ...other, ...own }).toEqual({ ...one, ...own });
        expect(other.workload).toBe("gateway");
      }
    });
  });
}

async function operator(server: Announcement) {
  const { http: url, grpc: grpcUrl, operatorKey } = server;
  return connect({ url, grpcUrl, json: false, env: {}, apiKey: operatorKey! });
}

/** An API key of the company's application. */
export async function keyOf(server: Announcement, { organization }: Company): Promise<string> {
  const transport = await operator(server);
  const { applications } = await createClient(OrganizationService, transport).listApplications({
    organization,
  });
  const { apiKey } = await createClient(CredentialService, transport).createApiKey({
    application: applications[0]!.id,
    requestId: randomUUID(),
  });
  return apiKey;
}

async function ask(url: string, secret?: string, body?: object): Promise<Told> {
  const answer = await fetchDecided(url, {
    ...(body && { method: "POST", body: JSON.stringify(body) }),
    headers: {
      ...(body && { "content-type": "application/json" }),
      ...(secret && { authorization: `Bearer ${secret}` }),
    },
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
