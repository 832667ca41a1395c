import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { table } from "@wellapi/cli/output";
import { connect, verifyLogGrowth, verifyLoggedAccess, verifyReceipt } from "@wellapi/client";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Granularity, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { connectPerson } from "./connect-flow.ts";
import { grant } from "./consents.ts";
import { type Contribution, contribute } from "./contribution.ts";
import { keyOf, readObservations } from "./fhir-reader.ts";
import { type Narrator, sparkline } from "./narrator.ts";
import { type Company, enrolCompany, operatorAt, originOf, registerPerson } from "./people.ts";
import { openProvider, registerApp } from "./provider.ts";
import type { Server } from "./server.ts";
import { openWatch } from "./watch.ts";

const heartRate = "8867-4";
const steps = "55423-8";
const day = {
  startTime: timestampFromDate(new Date("2016-04-12T00:00:00Z")),
  endTime: timestampFromDate(new Date("2016-04-13T00:00:00Z")),
};

/** The company's own ids of the patients who consented, by consent. */
async function idsOf(company: Company): Promise<Map<string, string>> {
  const { consents } = await createClient(ConsentService, company.transport).listConsents({});
  return new Map(consents.map((consent) => [consent.id, consent.patient]));
}

async function readAll(
  company: { transport: Company["transport"] },
  patient: string,
  code: string,
  purpose: Purpose,
  interval?: typeof day,
) {
  let samples = 0;
  let access = "";
  let ended = false;
  for await (const { payload } of createClient(RecordsService, company.transport).readSeries({
    patient,
    code: { code },
    purpose,
    ...(interval ? { interval } : {}),
  })) {
    if (payload.case === "start") access = payload.value.access;
    if (payload.case === "end") {
      samples = Number(payload.value.samples);
      ended = true;
    }
  }
  return { samples, access, ended };
}

/** An access is in the log before its answer leaves; where the log is another process, it is listed a moment later. */
async function listedAccesses(audit: Client<typeof AuditService>, deniedAtLeast: number) {
  for (let tries = 0; ; tries++) {
    const { accesses } = await audit.listAccesses({ pageSize: 500 });
    const denied = accesses.filter(({ access }) => access?.outcome === 2).length;
    if (denied >= deniedAtLeast || tries === 50) return { accesses, denied };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The whole story; every claim goes through the narrator. */
export async function tellStory(server: Server, narrator: Narrator): Promise<void> {
  narrator.chapter("1. Two companies and two people");
  const maker = await enrolCompany(server, "Pulse Wearables");
  const clinic = await enrolCompany(server, "Hillside Clinic");
  const first = await registerPerson(server, "Participant 2022484408", "first@example.com");
  const second = await registerPerson(server, "Participant 8877689391", "second@example.com");
  const audit = createClient(AuditService, first.transport);
  const { checkpoint: before, verifierKey } = await audit.getCheckpoint({});
  narrator.say(`${maker.name}, ${clinic.name}, and two people of the Fitbit datasets of 2016 (CC BY 4.0)`);
  narrator.say("each of them made an account with a passkey; the operator did not have a part in it");

  narrator.chapter("2. The people connect the wearable maker's app, and consent to the clinic");
  const app = await registerApp(operatorAt(server), maker.organization, "http://localhost/connected");
  const provider = await openProvider(originOf(server), app);
  const [firstConnected, secondConnected] = await Promise.all(
    [first, second].map((person) =>
      connectPerson(provider, person.browser, (organization) =>
        grant(person, { organization }, Direction.CONTRIBUTE, ["heart", "activity"]),
      ),
    ),
  );
  const reading = await grant(first, clinic, Direction.READ, ["heart"]);
  await grant(second, clinic, Direction.READ, ["heart"]);
  const makerIds = await idsOf(maker);
  narrator.hold(
    "the ID token's subject is the id by which the maker knows the patient: the grant is the consent",
    [firstConnected, secondConnected].every((one) => one!.patient === makerIds.get(one!.consent)),
  );
  const appOfMaker = connect({ url: originOf(server), token: firstConnected!.accessToken });
  await narrator.refused("the app's token is for contributing: it reads", "SCOPE_REQUIRED", () =>
    readAll({ transport: appOfMaker }, firstConnected!.patient, heartRate, Purpose.TREATMENT),
  );
  const clinicIds = await idsOf(clinic);
  const { patient: firstAtMaker } = firstConnected!;
  const { patient: secondAtMaker } = secondConnected!;
  const firstAtClinic = clinicIds.get(reading)!;
  const secondAtClinic = [...clinicIds.values()].find((id) => id !== firstAtClinic)!;
  narrator.hold(
    "each company knows a patient by an id of its own",
    new Set([first.id, firstAtMaker, firstAtClinic]).size === 3,
  );

  narrator.chapter("3. The wearable maker streams a month over mTLS gRPC");
  const started = performance.now();
  const contribution: Contribution = await contribute(maker, narrator.bars(), [
    {
      file: "minute-heart-rate-2022484408.csv",
      patient: firstAtMaker,
      code: heartRate,
      unit: "/min",
      durationMs: 0,
    },
    {
      file: "minute-steps-2022484408.csv",
      patient: firstAtMaker,
      code: steps,
      unit: "{steps}",
      durationMs: 60_000,
      granularity: Granularity.MINUTE,
    },
    {
      file: "minute-heart-rate-8877689391.csv",
      patient: secondAtMaker,
      code: heartRate,
      unit: "/min",
      durationMs: 0,
    },
    {
      file: "minute-steps-8877689391.csv",
      patient: secondAtMaker,
      code: steps,
      unit: "{steps}",
      durationMs: 60_000,
      granularity: Granularity.MINUTE,
    },
  ]);
  const seconds = (performance.now() - started) / 1000;
  narrator.say(`${contribution.accepted} samples are durable, sealed and logged, in ${seconds.toFixed(1)} s`);
  narrator.hold(
    "every sample sent was accepted",
    contribution.accepted === contribution.sent && contribution.sent > 0,
  );

  narrator.chapter("4. The clinic reads a day, and watches");
  const own = await readAll(clinic, firstAtClinic, heartRate, Purpose.TREATMENT);
  narrator.hold(
    `the clinic reads back all ${own.samples} heart rates of the first person`,
    own.ended && own.samples === contribution.bySeries.get(`${firstAtMaker} ${heartRate}`),
  );
  const records = createClient(RecordsService, clinic.transport);
  const oneDay = await readAll(clinic, firstAtClinic, heartRate, Purpose.TREATMENT, day);
  const { aggregates } = await records.aggregateSeries({
    patient: firstAtClinic,
    code: { code: heartRate },
    interval: day,
    purpose: Purpose.TREATMENT,
    bucketSize: BucketSize.HOUR,
    digits: 0,
  });
  const hours = new Array<number | undefined>(24).fill(undefined);
  for (const { startTime, mean } of aggregates[0]?.buckets ?? []) {
    hours[new Date(Number(startTime!.seconds) * 1000).getUTCHours()] = Number(mean);
  }
  narrator.say(`12 April 2016, ${oneDay.samples} samples, mean by hour: ${sparkline(hours)}`);
  narrator.hold("the day has samples", oneDay.samples > 0);

  const clinicKey = await keyOf(server, clinic);
  const asFhir = {
    patient: `Patient/${firstAtClinic.replace("_", "-")}`,
    code: `http://loinc.org|${heartRate}`,
  };
  const month = await readObservations(server, clinicKey, { ...asFhir, _count: "1000" });
  narrator.hold(
    `as FHIR it reads the same ${month.samples} heart rates, in ${month.observations} Observations on ${month.pages} pages`,
    month.samples === own.samples && month.observations > 0,
  );

  const watch = await openWatch(clinic, firstAtClinic, heartRate);
  const extra = await contribute(maker, undefined, [
    {
      minutes: 5,
      from: "2016-06-01T08:00:00Z",
      patient: firstAtMaker,
      code: heartRate,
      unit: "/min",
      durationMs: 0,
    },
  ]);
  narrator.hold(
    "the clinic's open watch delivers what arrives",
    await watch.delivered(extra.accepted, 5_000),
  );
  await narrator.refused(
    "the clinic asks for steps, which the consent does not cover",
    "CONSENT_REQUIRED",
    () => readAll(clinic, firstAtClinic, steps, Purpose.TREATMENT),
  );
  await narrator.refused(
    "the clinic asks for research, which the consent does not cover",
    "CONSENT_REQUIRED",
    () => readAll(clinic, firstAtClinic, heartRate, Purpose.RESEARCH),
  );

  narrator.chapter("5. The patient looks, and revokes");
  const patientConsents = createClient(ConsentService, first.transport);
  const { consents } = await patientConsents.listConsents({ states: [Consent_State.ACTIVE] });
  narrator.hold(`the patient sees ${consents.length} consents in force`, consents.length === 2);
  const { accesses, denied } = await listedAccesses(audit, 2);
  narrator.hold(
    `the patient sees ${accesses.length} accesses, ${denied} of them refused`,
    denied >= 2 && accesses.some(({ access }) => access?.id === oneDay.access),
  );
  const revokeStarted = performance.now();
  await patientConsents.revokeConsent({ consent: reading });
  narrator.say(`revoked in ${(performance.now() - revokeStarted).toFixed(0)} ms`);
  await narrator.refused("the clinic's next read", "CONSENT_REQUIRED", () =>
    readAll(clinic, firstAtClinic, heartRate, Purpose.TREATMENT, day),
  );
  await narrator.refused("the clinic's next read as FHIR", "CONSENT_REQUIRED", () =>
    readObservations(server, clinicKey, asFhir),
  );
  const ending = await watch.ended(1_000);
  narrator.hold(`the clinic's open watch ended: ${ending}`, ending === "CONSENT_REVOKED");

  await patientConsents.revokeConsent({ consent: firstConnected!.consent });
  await narrator.refused(
    "the maker's app calls with its token, after the patient took the grant back",
    "CREDENTIAL_INVALID",
    () => createClient(IngestionService, appOfMaker).createObservations({}),
  );

  narrator.chapter("6. The patient verifies, trusting only a public key");
  const proven = await verifyLoggedAccess(audit, oneDay.access, verifierKey);
  narrator.hold(
    `the clinic's read is entry ${proven.index} of a log of ${proven.size}, unchanged`,
    proven.index >= 0,
  );
  const grown = await verifyLogGrowth(audit, before, verifierKey);
  narrator.hold(`the log of ${grown.to} entries contains the log of ${grown.from}`, grown.to > grown.from);

  narrator.chapter("7. The second person is erased");
  const secondRecords = createClient(RecordsService, second.transport);
  const mine = await readAll(second, second.id, heartRate, Purpose.PATIENT_REQUEST);
  narrator.hold(`before, they can read their own ${mine.samples} heart rates`, mine.samples > 0);
  const { erasure } = await secondRecords.erasePatient({ patient: second.id });
  const receipt = erasure?.receipt;
  narrator.hold(
    `their key is destroyed and ${receipt!.documentsDeleted} documents deleted`,
    receipt!.keysDestroyed > 0 && receipt!.documentsDeleted > 0,
  );
  const { jwks } = await audit.getReceiptKeys({});
  const claims = await verifyReceipt("wellapi-erasure-receipt+jwt", receipt!.jws, JSON.parse(jwks));
  narrator.hold(
    "the receipt's signature verifies, and it names that key",
    String(claims.key_ids) === String(receipt!.keyIds),
  );
  await narrator.refused("the clinic reads the erased person", "CONSENT_REQUIRED", () =>
    readAll(clinic, secondAtClinic, heartRate, Purpose.TREATMENT),
  );
  await narrator.refused("the erased person's own token reads", "CONSENT_REQUIRED", () =>
    readAll(second, second.id, heartRate, Purpose.PATIENT_REQUEST),
  );
  const still = await verifyLogGrowth(audit, before, verifierKey);
  narrator.hold(`the log still verifies, with ${still.to} entries`, still.to >= grown.to);
  const left = await readAll(first, first.id, heartRate, Purpose.PATIENT_REQUEST);
  narrator.hold(
    `the first person still has all ${left.samples} heart rates`,
    left.samples === own.samples + extra.accepted,
  );

  narrator.chapter("What happened, by the server's own counts");
  narrator.say(
    table(
      ["what", "count"],
      [
        ["samples accepted", contribution.accepted + extra.accepted],
        ["samples sent twice", contribution.duplicate],
        ["samples the clinic read", own.samples + oneDay.samples],
        ["accesses the first patient sees", accesses.length],
        ["of them refused", denied],
        ["documents erased", String(receipt!.documentsDeleted)],
        ["entries of the log", still.to],
      ],
    )
      .split("\n")
      .join("\n  "),
  );
}
