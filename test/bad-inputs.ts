import { randomUUID } from "node:crypto";
import { connect as tlsConnect } from "node:tls";
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { createCertificateRequest } from "@wellapi/client/enrolment";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { ItemOutcome_Status, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { beforeAll, describe, expect, test } from "vitest";

const code = "8867-4";

/** The reason and status with which a call is refused. */
async function refusal(call: Promise<unknown>): Promise<{ reason: string; code: string; message: string }> {
  try {
    await call;
  } catch (error) {
    const problem = problemOf(ConnectError.from(error));
    return { reason: problem.reason, code: Code[problem.code]!, message: problem.message };
  }
  throw new Error("it was not refused");
}

/** Whether the handshake failed: every answer of the exchange has a reason beside its status. */
function neverAnswered(found: { reason: string; code: string }): boolean {
  return found.reason === found.code.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _message of stream);
}

function batch(patient: string, requestId: string, mantissas: number[]) {
  return create(SeriesBatchSchema, {
    requestId,
    patient,
    series: [
      {
        code: { code },
        unit: "/min",
        times: {
          start: { case: "startTime", value: timestampFromDate(new Date("2026-03-01T00:00:00Z")) },
          utcOffsetMinutes: 0,
          spacing: { case: "periodMs", value: 60_000 },
        },
        values: { case: "decimals", value: { mantissas } },
      },
    ],
  });
}

/** How often a server under test looks again at the credentials of open streams. */
export const badInputSettings = { WELLAPI_CREDENTIAL_RECHECK_MS: "500" };

/**
 * What the doors refuse, and how they say so: the same of every way of running. `running` is asked once, before the
 * first case; the server stays the caller's, who gave it `badInputSettings`.
 */
export function describeBadInputs(running: () => Server): void {
  describe("what the doors refuse, and how they say so", () => {
    let server: Server;
    let maker: Company;
    let other: Company;
    let person: Person;
    let operator: Transport;
    let atMaker = "";

    beforeAll(async () => {
      server = running();
      maker = await enrolCompany(server, "Door Maker");
      other = await enrolCompany(server, "Other Company");
      person = await enrolPerson(server, "Door Person");
      operator = operatorAt(server);
      for (const [grantee, direction] of [
        [maker, Direction.CONTRIBUTE],
        [other, Direction.READ],
      ] as const) {
        await createClient(ConsentService, person.transport).createConsent({
          requestId: `doors-${direction}`,
          consent: {
            grantee: grantee.organization,
            provisions: [
              {
                effect: Provision_Effect.PERMIT,
                directions: [direction],
                categories: [{ name: "heart" }],
                purposes: direction === Direction.READ ? [Purpose.TREATMENT] : [],
                resolution: Resolution.RAW,
              },
            ],
          },
        });
      }
      const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
      atMaker = consents[0]!.patient;
    }, 90_000);

    const grpc = (certificate: { cert?: string; key?: string; ca: string }) =>
      createGrpcTransport({ baseUrl: server.grpc, nodeOptions: { ...certificate, minVersion: "TLSv1.3" } });
    const gateway = (secret: string) =>
      createConnectTransport({
        baseUrl: server.http,
        httpVersion: "1.1",
        interceptors: [
          (next) => (request) => {
            request.header.set("authorization", `Bearer ${secret}`);
            return next(request);
          },
        ],
      });

    test("a call without a client certificate fails at the handshake", async () => {
      const found = await refusal(
        createClient(ConsentService, grpc({ ca: server.authority })).listConsents({}),
      );
      expect(neverAnswered(found)).toBe(true);
    });

    test("a certificate of another installation fails at the handshake", async () => {
      const elsewhere = temporaryFolder();
      const foreign = await startServer({ dataDir: elsewhere.path, target: "one-process" });
      try {
        const { certificate } = await enrolCompany(foreign, "Foreign");
        const found = await refusal(
          createClient(ConsentService, grpc({ ...certificate, ca: server.authority })).listConsents({}),
        );
        expect(neverAnswered(found)).toBe(true);

        const foreignKey = await createClient(CredentialService, operatorAt(foreign)).createApiKey({
          requestId: randomUUID(),
          application: await applicationOf(foreign),
        });
        expect(
          await refusal(createClient(ConsentService, gateway(foreignKey.apiKey)).listConsents({})),
        ).toMatchObject({
          reason: "CREDENTIAL_INVALID",
          code: "Unauthenticated",
        });
        const foreignPerson = await enrolPerson(foreign, "Foreign Person");
        expect(foreignPerson.id).toMatch(/^pat_/);
      } finally {
        await foreign.stop();
        elsewhere.remove();
      }
    }, 30_000);

    async function applicationOf(at: Server): Promise<string> {
      const transport = operatorAt(at);
      const client = createClient(OrganizationService, transport);
      const { organization } = await client.createOrganization({
        organization: { displayName: "Keys" },
        requestId: "keys",
      });
      const { application } = await client.createApplication({
        application: { organization: organization!.id, displayName: "Keys" },
        requestId: "keys",
      });
      return application!.id;
    }

    test("TLS 1.2 is refused", async () => {
      const { hostname, port } = new URL(server.grpc);
      const { certificate } = maker;
      const outcome = await new Promise<string>((resolve) => {
        const socket = tlsConnect(
          {
            host: hostname,
            port: Number(port),
            ...certificate,
            maxVersion: "TLSv1.2",
            ALPNProtocols: ["h2"],
          },
          () => resolve("connected"),
        );
        socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
        socket.on("close", () => resolve("closed"));
      });
      expect(outcome).not.toBe("connected");
    });

    test("a revoked certificate is refused, and its open stream ends", async () => {
      const { privateKey, certificateRequest } = await createCertificateRequest();
      const credentials = createClient(CredentialService, operator);
      const issued = await credentials.issueCertificate({
        requestId: randomUUID(),
        application: await applicationOf(server),
        certificateRequest,
      });
      const transport = grpc({ cert: issued.certificate, key: privateKey, ca: issued.authority });
      const client = createClient(ConsentService, transport);
      await client.listConsents({});
      const ingestion = createClient(IngestionService, transport);
      const opened = Promise.withResolvers<void>();
      const open = refusal(
        drain(
          ingestion.streamSeries(
            (async function* () {
              yield { batch: batch("pat_00000000000000000000000000", randomUUID(), [1]) };
              opened.resolve();
              await new Promise(() => {});
            })(),
          ),
        ),
      );
      await opened.promise;
      await credentials.revokeCredential({ credential: issued.credential!.id });
      expect(await refusal(client.listConsents({}))).toMatchObject({ reason: "CREDENTIAL_INVALID" });
      expect(await open).toMatchObject({ reason: "CREDENTIAL_INVALID", code: "Unauthenticated" });
    });

    test("a disabled application is refused, and its open stream ends; enabled, its certificate serves again", async () => {
      const { privateKey, certificateRequest } = await createCertificateRequest();
      const organizations = createClient(OrganizationService, operator);
      const { organizations: all } = await organizations.listOrganizations({});
      const { application } = await organizations.createApplication({
        application: { organization: all[0]!.id, displayName: "Passing" },
        requestId: randomUUID(),
      });
      const { id } = application!;
      const issued = await createClient(CredentialService, operator).issueCertificate({
        requestId: randomUUID(),
        application: id,
        certificateRequest,
      });
      const transport = grpc({ cert: issued.certificate, key: privateKey, ca: issued.authority });
      const client = createClient(ConsentService, transport);
      const opened = Promise.withResolvers<void>();
      const open = refusal(
        drain(
          createClient(IngestionService, transport).streamSeries(
            (async function* () {
              yield { batch: batch("pat_00000000000000000000000000", randomUUID(), [1]) };
              opened.resolve();
              await new Promise(() => {});
            })(),
          ),
        ),
      );
      await opened.promise;
      await client.listConsents({});
      await organizations.disableApplication({ application: id });
      expect(await refusal(client.listConsents({}))).toMatchObject({ reason: "CREDENTIAL_INVALID" });
      expect(await open).toMatchObject({ reason: "CREDENTIAL_INVALID", code: "Unauthenticated" });
      await organizations.enableApplication({ application: id });
      await client.listConsents({});
      await organizations.deleteApplication({ application: id });
      expect(await refusal(client.listConsents({}))).toMatchObject({ reason: "CREDENTIAL_INVALID" });
    });

    test("an expired certificate is refused", async () => {
      const { privateKey, certificateRequest } = await createCertificateRequest();
      const issued = await createClient(CredentialService, operator).issueCertificate({
        requestId: randomUUID(),
        application: await applicationOf(server),
        certificateRequest,
        lifetime: { seconds: 1n },
      });
      await expect
        .poll(
          async () =>
            (
              await refusal(
                createClient(
                  ConsentService,
                  grpc({ cert: issued.certificate, key: privateKey, ca: issued.authority }),
                ).listConsents({}),
              ).catch(() => ({ code: "permitted" }))
            ).code,
          { timeout: 15_000 },
        )
        .not.toBe("permitted");
    });

    test.each([
      ["no credential", {}],
      ["alg none", { authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.` }],
      [
        "a made-up API key",
        { authorization: "Bearer wellapi_sk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
      ],
    ])("%s is UNAUTHENTICATED over HTTP", async (_name, headers) => {
      const answer = await fetch(`${server.http}/wellapi.consent.v1.ConsentService/ListConsents`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: "{}",
      });
      expect(answer.status).toBe(401);
      expect(((await answer.json()) as { code: string }).code).toBe("unauthenticated");
    });

    test("an API key in a query string is refused with the remedy", async () => {
      const answer = await fetch(
        `${server.http}/wellapi.consent.v1.ConsentService/ListConsents?api_key=${server.operatorKey}`,
        { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
      );
      expect(answer.status).toBe(400);
      const body = await answer.text();
      expect(body).toMatch(/header/i);
      expect(body).not.toContain(server.operatorKey!);
    });

    test("unknown patients, patients without consent and other organizations' ids get the same answer", async () => {
      const unknown = "pat_7zzzzzzzzzzzzzzzzzzzzzzzzz";
      const reads = [unknown, "nonsense", atMaker, person.id].map((patient) =>
        refusal(
          drain(
            createClient(RecordsService, other.transport).readSeries({
              patient,
              code: { code },
              purpose: Purpose.TREATMENT,
            }),
          ),
        ),
      );
      const writes = [unknown, "nonsense", person.id].map((patient) =>
        refusal(
          createClient(IngestionService, other.transport).createSeries({
            batch: batch(patient, randomUUID(), [70]),
          }),
        ),
      );
      const answers = await Promise.all([...reads, ...writes]);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(answers[0]).toMatchObject({ reason: "CONSENT_REQUIRED", code: "PermissionDenied" });
    });

    test("a request id with other content is refused, the same content is a duplicate", async () => {
      const client = createClient(IngestionService, maker.transport);
      const requestId = randomUUID();
      const first = await client.createSeries({ batch: batch(atMaker, requestId, [70, 71]) });
      expect(first.receipt?.items[0]?.status).toBe(ItemOutcome_Status.ACCEPTED);
      const again = await client.createSeries({ batch: batch(atMaker, requestId, [70, 71]) });
      expect(again.receipt?.items[0]?.status).toBe(ItemOutcome_Status.DUPLICATE);
      expect(again.receipt?.batch).toBe(first.receipt?.batch);
      expect(
        await refusal(client.createSeries({ batch: batch(atMaker, requestId, [70, 72]) })),
      ).toMatchObject({
        reason: "REQUEST_ID_REUSED",
      });
    });

    test("a message over the limit is refused before it is parsed, with how to mend it", async () => {
      const huge = batch(atMaker, randomUUID(), new Array<number>(400_000).fill(1_000_000));
      expect(
        await refusal(createClient(IngestionService, maker.transport).createSeries({ batch: huge })),
      ).toMatchObject({
        code: "ResourceExhausted",
        reason: "MESSAGE_TOO_LARGE",
        message: expect.stringContaining("send less"),
      });
    });

    test("a page token of another caller or query is refused", async () => {
      const own = createClient(RecordsService, person.transport);
      const query = { patient: person.id, code: { code }, purpose: Purpose.PATIENT_REQUEST, pageSize: 1 };
      const ingestion = createClient(IngestionService, maker.transport);
      await ingestion.createSeries({ batch: batch(atMaker, randomUUID(), [70, 71, 72]) });
      const page = await own.querySeries(query);
      expect(page.nextPageToken).not.toBe("");
      expect(await refusal(own.querySeries({ ...query, pageToken: "forged" }))).toMatchObject({
        reason: "INVALID_PAGE_TOKEN",
      });
      expect(
        await refusal(
          own.querySeries({ ...query, code: { code: "55423-8" }, pageToken: page.nextPageToken }),
        ),
      ).toMatchObject({
        reason: "INVALID_PAGE_TOKEN",
      });
      const { consents } = await createClient(ConsentService, other.transport).listConsents({});
      expect(
        await refusal(
          createClient(RecordsService, other.transport).querySeries({
            ...query,
            patient: consents[0]!.patient,
            purpose: Purpose.TREATMENT,
            pageToken: page.nextPageToken,
          }),
        ),
      ).toMatchObject({ reason: "INVALID_PAGE_TOKEN" });
    });

    test("a stale etag is refused and the consent stays in force", async () => {
      const consents = createClient(ConsentService, person.transport);
      const { consent } = await consents.createConsent({
        requestId: randomUUID(),
        consent: {
          grantee: other.organization,
          provisions: [
            {
              effect: Provision_Effect.PERMIT,
              directions: [Direction.CONTRIBUTE],
              categories: [{ name: "sleep" }],
            },
          ],
        },
      });
      expect(await refusal(consents.revokeConsent({ consent: consent!.id, etag: "stale" }))).toMatchObject({
        reason: "STALE_ETAG",
        code: "Aborted",
      });
      expect((await consents.getConsent({ consent: consent!.id })).consent?.etag).toBe(consent!.etag);
    });

    test.each(["grpc", "gateway"])("internal services are not reachable over the %s door", async (door) => {
      const transport = door === "grpc" ? maker.transport : operator;
      const found = await refusal(
        createClient(RecordsWriteService, transport).appendSeries({
          batch: batch(atMaker, randomUUID(), [1]),
        }),
      );
      expect(["Unimplemented", "NotFound", "PermissionDenied"]).toContain(found.code);
    });

    test("a patient's token at an operator's call is refused", async () => {
      expect(
        await refusal(
          createClient(OrganizationService, person.transport).createOrganization({
            organization: { displayName: "Mine" },
            requestId: "mine",
          }),
        ),
      ).toMatchObject({ reason: "CALLER_NOT_PERMITTED", code: "PermissionDenied" });
    });
  });
}
