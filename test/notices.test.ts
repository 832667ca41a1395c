/** What a patient and an organization are told, from end to end: a real server that is killed, a mail server and a push service on this machine. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { consentFor, grant } from "@wellapi/demo/consents";
import { type Company, companyAt, enrolCompany } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Event_Kind as EventKind, EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { Notice_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { freePorts } from "@wellapi/runtime";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, openPushService, type PushService } from "../services/notices/test/push-service.ts";
import { openWebhookReceiver, type WebhookReceiver } from "../services/notices/test/webhook-receiver.ts";
import { type Account, openAccount } from "./pages/accounts.ts";

const email = "ada@example.org";
const folder = temporaryFolder();
const mails: { readonly to: string; readonly text: string }[] = [];
const within = { timeout: 15_000 };
/** Who dies before it has noted a message as sent sends it once more, by the same id: a mail program shows it once. */
const mailIds = () => [...new Set(mails.map(({ text }) => /Message-ID:\s*<(.+?)>/.exec(text)?.[1]))];
const pushIds = () => [...new Set(push.to(browser).map(({ message }) => message.id))];
let smtp: SMTPServer;
let push: PushService;
let receiver: WebhookReceiver;
let env: Record<string, string>;
let server: Server;
let clinic: Company;
let ada: Account;
let browser: Browser;

const notices = () => createClient(NoticesService, ada.as(ada.patient));
const kinds = async () => (await notices().listNotices({})).notices.map(({ kind }) => kind);
const eventsOfClinic = async () =>
  (await createClient(EventService, companyAt(server, clinic).transport).listEvents({})).events;
const eventKinds = async () => (await eventsOfClinic()).map(({ kind }) => kind);
const start = (more: Record<string, string> = {}) =>
  startServer({ dataDir: join(folder.path, "data"), env: { ...env, ...more }, target: "one-process" });

beforeAll(async () => {
  push = await openPushService();
  receiver = await openWebhookReceiver();
  const authorities = join(folder.path, "authorities.pem");
  writeFileSync(authorities, [push, receiver].map(({ authority }) => authority).join("\n"));
  const [port] = await freePorts(1);
  env = {
    // The passkey and the session belong to the origin.
    WELLAPI_HTTP_PORT: String(port),
    WELLAPI_MASTER_KEY_FILE: join(folder.path, "master.key"),
    WELLAPI_PUSH_HOSTS: push.host,
    WELLAPI_WEBHOOKS_TO_LOOPBACK: "true",
    NODE_EXTRA_CA_CERTS: authorities,
  };
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const to = session.envelope.rcptTo.map(({ address }) => address).join();
        mails.push({ to, text: Buffer.concat(chunks).toString() });
        done(null);
      });
    },
  });
  smtp.on("error", () => {});
  const listening = smtp.listen(0, "127.0.0.1");
  await once(listening, "listening");

  // Codes of sign-ins are read in the sandbox's mailbox, which is there without a mail server.
  server = await start();
  clinic = await enrolCompany(server, "Herzklinik Nord");
  ada = await openAccount(server.http.replace("127.0.0.1", "localhost"), { name: "Ada", email });
  browser = push.subscribe();
  await notices().createPushSubscription({ ...browser, language: "de" });
  await server.stop();
  const { port: mailPort } = listening.address() as AddressInfo;
  env = {
    ...env,
    WELLAPI_SMTP_URL: `smtp://127.0.0.1:${mailPort}`,
    WELLAPI_MAIL_FROM: "WellAPI <accounts@wellapi.example>",
  };
  server = await start();
  const webhookEndpoint = { url: receiver.url("/clinic") };
  const webhooks = createClient(WebhookService, companyAt(server, clinic).transport);
  await webhooks.createWebhookEndpoint({ webhookEndpoint, requestId: "one" });
}, 120_000);

afterAll(async () => {
  await server?.stop();
  await receiver?.close();
  await push?.close();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  folder.remove();
}, 60_000);

// In this order: the first read is one only once.
test("a consent that is granted as the process dies is told after the restart, once: inbox, mail, push, webhook", async () => {
  const consent = await grant({ transport: ada.as(ada.patient) }, clinic, Direction.READ);
  await server.kill();
  server = await start();
  await expect.poll(kinds, within).toEqual([Kind.CONSENT_GRANTED]);
  const { notices: told } = await notices().listNotices({});
  expect(told[0]).toMatchObject({ consent, organization: clinic.organization });
  await expect.poll(() => mailIds().length, within).toBe(1);
  await expect.poll(() => pushIds().length, within).toBe(1);
  const [{ to, text }] = mails as [(typeof mails)[number]];
  expect(to).toBe(email);
  expect(text).toMatch(new RegExp(`Message-ID:\\s*<${told[0]!.id}\\.usr_\\w+@wellapi\\.example>`));
  expect(`${text} ${JSON.stringify(push.to(browser))}`).not.toMatch(/Herzklinik|heart|org_|con_/);
  expect(push.to(browser)[0]!.message.id).toBe(told[0]!.id);
  await expect.poll(eventKinds, within).toEqual([EventKind.CONSENT_GRANTED]);
  const { consents } = await createClient(ConsentService, companyAt(server, clinic).transport).listConsents(
    {},
  );
  expect(await eventsOfClinic()).toMatchObject([
    { consent, consentVersion: 1, patient: consents[0]!.patient, sequence: 1n },
  ]);
  // Who died may have sent it already, and holds the endpoint for a moment still.
  await expect.poll(() => receiver.at("/clinic").length, { timeout: 40_000 }).toBeGreaterThan(0);
  const ids = receiver.at("/clinic").map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set((await eventsOfClinic()).map(({ id }) => id)));
}, 60_000);

test("the clinic's first read is told with the entry that the log has of it", async () => {
  const { transport } = companyAt(server, clinic);
  const { consents } = await createClient(ConsentService, transport).listConsents({});
  const request = {
    patient: consents[0]!.patient,
    code: { code: "8867-4" },
    purpose: Purpose.TREATMENT,
  };
  for (let i = 0; i < 3; i += 1) await createClient(RecordsService, transport).querySeries(request);
  await expect.poll(kinds, within).toEqual([Kind.FIRST_ACCESS, Kind.CONSENT_GRANTED]);
  const { notices: told } = await notices().listNotices({});
  expect(told[0]).toMatchObject({
    organization: clinic.organization,
    access: expect.stringMatching(/^acc_/),
  });
  await expect.poll(() => mailIds().length, within).toBe(2);
}, 60_000);

test("an erasure leaves the patient nothing to be told, and the clinic what its list of consents tells", async () => {
  const client = createClient(ConsentService, ada.as(ada.patient));
  await client.createConsent({ requestId: "last", consent: consentFor(clinic, Direction.READ, ["sleep"]) });
  await ada.confirm();
  await createClient(RecordsService, ada.as(ada.patient)).erasePatient({ patient: ada.patient });
  const sent = mailIds().length;
  await server.stop();
  server = await start();
  expect(mailIds().length).toBeLessThanOrEqual(sent + 1);
  await expect.poll(() => kinds().catch(() => []), within).toEqual([]);
  const { CONSENT_GRANTED, CONSENT_REVOKED } = EventKind;
  const expected = [CONSENT_GRANTED, CONSENT_GRANTED, CONSENT_REVOKED, CONSENT_REVOKED];
  await expect.poll(eventKinds, within).toEqual(expected);
  const { transport } = companyAt(server, clinic);
  const { consents } = await createClient(ConsentService, transport).listConsents({});
  const known = new Set(consents.map(({ patient, id }) => `${patient} ${id}`));
  expect(new Set((await eventsOfClinic()).map((one) => `${one.patient} ${one.consent}`))).toEqual(known);
}, 60_000);
