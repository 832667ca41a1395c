import { createClient } from "@connectrpc/connect";
import { table } from "@wellapi/cli/output";
import { verifyLogGrowth } from "@wellapi/client";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { connectPeople, streamMonths, workWith } from "./companies-story.ts";
import type { Narrator } from "./narrator.ts";
import { beTreated, decideRequest, eraseAll, readUnder, seeAndProve, stop } from "./patients-story.ts";
import { type Company, enrolCompany, registerPerson } from "./people.ts";
import { auditOf, heartRate, readAll } from "./reading.ts";
import type { Server } from "./server.ts";

/** Ids of the two people of the Fitbit datasets. */
const participants = ["2022484408", "8877689391"];

/** The whole story, a person's first and then the companies'; every claim goes through the narrator. */
export async function tellStory(server: Server, narrator: Narrator): Promise<void> {
  narrator.chapter("1. A person signs up, and connects their wearable");
  const maker = await enrolCompany(server, "Pulse Wearables");
  const clinic = await enrolCompany(server, "Hillside Clinic");
  const person = await registerPerson(server, `Participant ${participants[0]}`, "first@example.com");
  const other = await registerPerson(server, `Participant ${participants[1]}`, "second@example.com");
  narrator.say(
    "they made an account with a passkey, and so did another person; no operator had a part in it",
  );
  const before = await auditOf(person).getCheckpoint({});
  const connected = await connectPeople(server, maker, [person, other]);
  const byMaker = await idsOf(maker);
  narrator.hold(
    `${maker.name} knows them by an id of its own: the app's sign-in is their consent`,
    connected.every(({ consent, patient }) => patient === byMaker.get(consent)),
  );
  const contribution = await streamMonths(maker, connected, participants, narrator);

  narrator.chapter("2. A clinic asks; the person narrows it, looks at what it would see, and accepts");
  const treating = await beTreated(clinic, person);
  const decided = await decideRequest(treating, narrator);

  narrator.chapter("3. The clinic reads; the person sees it, and proves it");
  const { month, oneDay } = await readUnder(treating, decided, narrator);
  const accesses = await seeAndProve(person, oneDay, before, narrator);

  narrator.chapter("4. The person stops it, and erases everything");
  await stop(treating, decided.consent, narrator);
  const erased = await eraseAll(treating, narrator);
  const left = await readAll(other, other.id, heartRate, Purpose.PATIENT_REQUEST);
  narrator.hold(
    `the other person still has all ${left.samples} heart rates`,
    left.samples === contribution.bySeries.get(`${connected[1]!.patient} ${heartRate}`),
  );

  narrator.chapter("5. What companies build on: tokens, streams, FHIR");
  const scene = { server, maker, clinic, person: other, connected: connected[1]! };
  const { read, extra } = await workWith(scene, narrator);
  const still = await verifyLogGrowth(auditOf(other), before.checkpoint, before.verifierKey);
  narrator.hold(`the log still verifies, with ${still.to} entries`, still.to > still.from);

  narrator.chapter("What happened, by the server's own counts");
  const counts = [
    ["samples accepted", contribution.accepted + extra.accepted],
    ["samples sent twice", contribution.duplicate],
    ["samples the clinic read", month.samples + oneDay.samples + read.samples],
    ["accesses the person saw", accesses.seen],
    ["of them refused", accesses.denied],
    ["documents erased", erased],
    ["entries of the log", still.to],
  ];
  narrator.say(table(["what", "count"], counts).split("\n").join("\n  "));
}

/** The company's own ids of the patients who consented, by consent. */
async function idsOf(company: Company): Promise<Map<string, string>> {
  const { consents } = await createClient(ConsentService, company.transport).listConsents({});
  return new Map(consents.map((consent) => [consent.id, consent.patient]));
}
