import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction, Granularity, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { connectPerson } from "./connect-flow.ts";
import { grant } from "./consents.ts";
import { type Contribution, contribute, type Parcel } from "./contribution.ts";
import { keyOf, readObservations } from "./fhir-reader.ts";
import type { Narrator } from "./narrator.ts";
import { type Company, operatorAt, originOf, type SignedInPerson } from "./people.ts";
import { type Connected, openProvider, registerApp } from "./provider.ts";
import { heartRate, type ReadBack, readAll, steps } from "./reading.ts";
import type { Server } from "./server.ts";
import { openWatch } from "./watch.ts";

/** A person, as a wearable maker's server knows them, with the consent that they gave it. */
export type ConnectedPerson = Connected & { readonly consent: string };

/** The people connect the maker's app, each in their own browser: agreeing there is the consent to contribute. */
export async function connectPeople(
  server: Server,
  maker: Company,
  people: readonly SignedInPerson[],
): Promise<readonly ConnectedPerson[]> {
  const app = await registerApp(operatorAt(server), maker.organization, "http://localhost/connected");
  const provider = await openProvider(originOf(server), app);
  return Promise.all(
    people.map((person) =>
      connectPerson(provider, person.browser, (organization) =>
        grant(person, { organization }, Direction.CONTRIBUTE, ["heart", "activity"]),
      ),
    ),
  );
}

/** The maker streams a month of each person over mTLS gRPC. `files`: the people's in the datasets. */
export async function streamMonths(
  maker: Company,
  people: readonly ConnectedPerson[],
  files: readonly string[],
  narrator: Narrator,
): Promise<Contribution> {
  const started = performance.now();
  const parcels = people.flatMap(({ patient }, i): Parcel[] => [
    {
      file: `minute-heart-rate-${files[i]}.csv`,
      patient,
      code: heartRate,
      unit: "/min",
      durationMs: 0,
    },
    {
      file: `minute-steps-${files[i]}.csv`,
      patient,
      code: steps,
      unit: "{steps}",
      durationMs: 60_000,
      granularity: Granularity.MINUTE,
    },
  ]);
  const contribution = await contribute(maker, narrator.bars(), parcels);
  const seconds = (performance.now() - started) / 1000;
  narrator.say(`${contribution.accepted} samples are durable, sealed and logged, in ${seconds.toFixed(1)} s`);
  narrator.hold(
    "every sample sent was accepted",
    contribution.accepted === contribution.sent && contribution.sent > 0,
  );
  return contribution;
}

interface Scene {
  readonly server: Server;
  readonly maker: Company;
  readonly clinic: Company;
  readonly person: SignedInPerson;
  readonly connected: ConnectedPerson;
}

/** What programs do with a person's data under consents, and how it ends. */
export async function workWith(
  { server, maker, clinic, person, connected }: Scene,
  narrator: Narrator,
): Promise<{ readonly read: ReadBack; readonly extra: Contribution }> {
  const consents = createClient(ConsentService, person.transport);
  const appOfMaker = connect({ url: originOf(server), token: connected.accessToken });
  await narrator.refused("the app's token is for contributing: it reads", "SCOPE_REQUIRED", () =>
    readAll({ transport: appOfMaker }, connected.patient, heartRate, Purpose.TREATMENT),
  );
  const reading = await grant(person, clinic, Direction.READ, ["heart"]);
  const { consents: clinics } = await createClient(ConsentService, clinic.transport).listConsents({});
  const patient = clinics.find(({ id }) => id === reading)!.patient;
  narrator.hold(
    "each company knows a patient by an id of its own",
    new Set([person.id, connected.patient, patient]).size === 3,
  );
  const read = await readAll(clinic, patient, heartRate, Purpose.TREATMENT);
  const clinicKey = await keyOf(server, clinic);
  const asFhir = {
    patient: `Patient/${patient.replace("_", "-")}`,
    code: `http://loinc.org|${heartRate}`,
  };
  const month = await readObservations(server, clinicKey, { ...asFhir, _count: "1000" });
  narrator.hold(
    `as FHIR the clinic reads the same ${month.samples} heart rates, in ${month.observations} Observations on ${month.pages} pages`,
    month.samples === read.samples && month.observations > 0,
  );
  const watch = await openWatch(clinic, patient, heartRate);
  const fresh = { minutes: 5, from: "2016-06-01T08:00:00Z", code: heartRate, unit: "/min", durationMs: 0 };
  const extra = await contribute(maker, undefined, [{ ...fresh, patient: connected.patient }]);
  narrator.hold(
    "the clinic's open watch delivers what arrives",
    await watch.delivered(extra.accepted, 5_000),
  );
  const { consents: inForce } = await consents.listConsents({ states: [Consent_State.ACTIVE] });
  narrator.hold(`the person sees ${inForce.length} consents in force`, inForce.length === 2);
  await consents.revokeConsent({ consent: reading });
  await narrator.refused("after they stopped it, the clinic's next read as FHIR", "CONSENT_REQUIRED", () =>
    readObservations(server, clinicKey, asFhir),
  );
  const ending = await watch.ended(1_000);
  narrator.hold(`the clinic's open watch ended: ${ending}`, ending === "CONSENT_REVOKED");
  await consents.revokeConsent({ consent: connected.consent });
  await narrator.refused(
    "the maker's app calls with its token, after the person took the grant back",
    "CREDENTIAL_INVALID",
    () => createClient(IngestionService, appOfMaker).createObservations({}),
  );
  return { read, extra };
}
