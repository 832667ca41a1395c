/** Emergency access from end to end, in one process: real sign-ins, both protocols, the mail, the log, the patient's no, the hour. */
import { randomUUID } from "node:crypto";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { samplesOf } from "@wellapi/client";
import type { PersonsBrowser } from "@wellapi/demo/browser";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { decided } from "./decided.ts";
import { type MovableClock, openMovableClock } from "./emergency/clock.ts";
import {
  addApp,
  confirmByApp,
  type EmergencyWorld,
  heartRate,
  openEmergencyWorld,
  protocols,
  signInByMail,
  speaking,
} from "./emergency/world.ts";
import { mailTo } from "./pages/people.ts";

const MINUTE = 60_000;
const reason = "found unconscious at the station";
const purpose = Purpose.EMERGENCY;
const everyProtocol = Object.keys(protocols) as (keyof typeof protocols)[];

const reasonOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "answered",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );

/** Where the clock is moved, too, the session of records by which it knows consents is over, and another begins. */
const settled = (ask: () => Promise<unknown>): Promise<string> => decided(() => reasonOf(ask()));

// In this order: the clock only goes on, and a clinician has ten tries an hour.
describe("emergency access", { timeout: 120_000 }, () => {
  let world: EmergencyWorld;
  let clock: MovableClock;
  /** The clinician's browser, signed in by e-mail and an authenticator app. */
  let browser: PersonsBrowser;
  /** The code that the clinician's app shows now. */
  let app: () => string;
  /** The clinic's own id for Ada. */
  let patient: string;

  beforeAll(async () => {
    clock = openMovableClock();
    world = await openEmergencyWorld();
    await world.contribute([61, 62, 63]);
  });
  afterAll(async () => {
    await world?.close();
    clock.restore();
  });

  const opening = (transport: Transport) => createClient(EmergencyService, transport);
  const atClinic = (who: { as(actingAs: string): Transport }) => who.as(world.clinic.organization);
  const ofPatient = () => opening(world.ada.as(world.ada.patient));
  const query = (transport: Transport) =>
    createClient(RecordsService, transport).querySeries({ patient, code: { code: heartRate }, purpose });
  const read = async (transport: Transport) =>
    (await query(transport)).series.flatMap(samplesOf).map(({ value }) => value);
  const inProtocol = (protocol: keyof typeof protocols) =>
    speaking(protocol, world.exchange.issuer, browser, world.clinic.organization);

  test("a clinician opens it by the patient's code, once they have shown a second factor", async () => {
    const { emergencyCode } = await ofPatient().createEmergencyCode({});
    app = await addApp(world.doctor);
    browser = await signInByMail(world.exchange.issuer, world.doctor.email);
    const asked = {
      who: { case: "emergencyCode" as const, value: emergencyCode },
      reason,
      requestId: randomUUID(),
    };
    const open = () => opening(atClinic(browser)).openEmergencyAccess(asked);
    expect(await reasonOf(open())).toBe("ASSURANCE_REQUIRED");
    clock.move(MINUTE);
    await confirmByApp(browser, app());
    const { emergencyAccess } = await open();
    patient = emergencyAccess!.patient;
    expect(emergencyAccess!.expireTime!.seconds - emergencyAccess!.createTime!.seconds).toBe(3_600n);
    expect(patient).not.toBe(world.ada.patient);
    expect(await settled(() => query(atClinic(browser)))).toBe("answered");
  });

  test.each(everyProtocol)(
    "that clinician reads for the emergency, and nothing else (%s)",
    async (protocol) => {
      const transport = inProtocol(protocol);
      expect(await read(transport)).toEqual(["61", "62", "63"]);
      const client = createClient(RecordsService, transport);
      const forTreatment = { patient, code: { code: heartRate }, purpose: Purpose.TREATMENT };
      expect(await settled(() => client.querySeries(forTreatment))).toBe("CONSENT_REQUIRED");
      const streamed = await Array.fromAsync(
        client.readSeries({ patient, code: { code: heartRate }, purpose }),
        ({ payload }) => payload.case,
      );
      expect(streamed).toContain("series");
    },
  );

  test("nobody else of the clinic reads by it: no colleague, no program, nobody with an e-mail code alone", async () => {
    expect(await settled(() => query(atClinic(world.colleague)))).toBe("CONSENT_REQUIRED");
    expect(await settled(() => query(world.clinic.transport))).toBe("CONSENT_REQUIRED");
    const byMail = await signInByMail(world.exchange.issuer, world.doctor.email);
    expect(await settled(() => query(atClinic(byMail)))).toBe("ASSURANCE_REQUIRED");
  });

  test("the patient and the privacy officer get a mail, and see it: the patient with the reason, and each read", async () => {
    const { issuer } = world.exchange;
    const [access] = (await ofPatient().listEmergencyAccesses({})).emergencyAccesses;
    expect(access).toMatchObject({ reason, organization: world.clinic.organization });
    const ofEmergency = /\/(?:account|office)\/emergenc/;
    const mailed = (email: string) =>
      expect.poll(() => mailTo(issuer, email, ofEmergency), { timeout: 20_000 });
    await mailed(world.ada.email).toMatch(/Herzklinik Nord GmbH[\s\S]*\/account\/emergency/);
    await mailed(world.officer.email).toMatch(/Herzklinik Nord GmbH[\s\S]*\/office\/emergencies/);
    for (const email of [world.ada.email, world.officer.email]) {
      expect(await mailTo(issuer, email, ofEmergency)).not.toContain(reason);
    }
    const office = opening(world.officer.as("staff"));
    expect((await office.listEmergencyAccesses({})).emergencyAccesses).toMatchObject([
      { id: access!.id, reason: "", clinician: access!.clinician },
    ]);
    const log = createClient(AuditService, world.ada.as(world.ada.patient));
    const reads = async () =>
      (await log.listAccesses({ pageSize: 100 })).accesses
        .map((one) => one.access!)
        .filter(({ emergencyAccess, method }) => emergencyAccess === access!.id && method.includes("Records"))
        .map(({ actor, consents }) => [actor?.id, consents.length]);
    await expect.poll(reads, { timeout: 20_000 }).toContainEqual([access!.clinician, 0]);
  });

  test("the patient ends it: the clinician reads nothing more", async () => {
    const { emergencyAccesses } = await ofPatient().listEmergencyAccesses({});
    await ofPatient().endEmergencyAccess({ emergencyAccess: emergencyAccesses[0]!.id });
    expect(await settled(() => query(atClinic(browser)))).toBe("CONSENT_REQUIRED");
  });

  const openById = (by: { as(actingAs: string): Transport } = world.doctor) =>
    opening(atClinic(by)).openEmergencyAccess({
      who: { case: "patient", value: patient },
      reason,
      requestId: randomUUID(),
    });

  test.each(everyProtocol)(
    "the patient's 'not even in an emergency' ends a stream that is open, and nobody opens another (%s)",
    async (protocol) => {
      await world.doctor.signIn();
      await openById();
      const abort = new AbortController();
      onTestFinished(() => abort.abort());
      const watched = { patient, codes: [{ code: heartRate }], purpose };
      const messages = createClient(RecordsService, inProtocol(protocol))
        .watchSeries(watched, { signal: abort.signal })
        [Symbol.asyncIterator]();
      const until = async (wanted: string) => {
        for (;;) {
          const { value, done } = await messages.next();
          if (done) return "it ended without a word";
          if (value.payload.case === wanted) return wanted;
        }
      };
      expect(await until("start")).toBe("start");
      await world.contribute([70, 71]);
      expect(await until("series")).toBe("series");
      const end = until("nothing").catch((error: unknown) => problemOf(ConnectError.from(error)).reason);
      await ofPatient().refuseEmergencyAccess({});
      expect(await end).toBe("CONSENT_REVOKED");
      expect(await settled(() => query(inProtocol(protocol)))).toBe("CONSENT_REQUIRED");
      expect(await reasonOf(openById())).toBe("EMERGENCY_REFUSED");
      await world.ada.confirm();
      await ofPatient().allowEmergencyAccess({});
      expect(await settled(() => query(inProtocol(protocol)))).toBe("CONSENT_REQUIRED");
    },
  );

  test.each(everyProtocol)(
    "a second factor is over after five minutes, while the door still believes what it was told (%s)",
    async (protocol) => {
      clock.move(MINUTE); // A code of the app counts once, and the tests above have used this half minute's.
      await confirmByApp(browser, app());
      await openById(browser);
      const ask = () => query(inProtocol(protocol));
      clock.move(5 * MINUTE - 6_000);
      expect(await settled(ask)).toBe("answered");
      clock.move(6_000);
      expect(await settled(ask)).toBe("ASSURANCE_REQUIRED");
    },
  );

  test("it lasts for an hour, with a second factor of the last five minutes at each read", async () => {
    clock.move(MINUTE); // A code of the app counts once, and the tests above have used this half minute's.
    await confirmByApp(browser, app());
    await openById(browser);
    for (let minutes = 0; minutes < 50; minutes += 10) {
      expect(await settled(() => query(atClinic(browser)))).toBe("answered");
      clock.move(10 * MINUTE);
      expect(await settled(() => query(atClinic(browser)))).toBe("ASSURANCE_REQUIRED");
      await confirmByApp(browser, app());
    }
    expect(await settled(() => query(atClinic(browser)))).toBe("answered");
    clock.move(10 * MINUTE);
    await confirmByApp(browser, app());
    expect(await settled(() => query(atClinic(browser)))).toBe("CONSENT_REQUIRED");
  });
});
