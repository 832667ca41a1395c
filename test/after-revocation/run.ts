/** Reads that begin after the patient's word: none of them may get anything, whatever else goes on. */
import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { keyOf } from "@wellapi/demo/fhir-reader";
import { type Company, enrolCompany, enrolPerson } from "@wellapi/demo/people";
import type { Announcement } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { bandSeries, contribute, single } from "../fhir/fhir-scene.ts";
import { ends, type Given } from "./ends.ts";
import { type Doors, heartRate, type Read, readsOf, samples, T0, weight } from "./reads.ts";

export interface Ended {
  readonly end: string;
  readonly read: string;
  /** Reads that began after the end had resolved. */
  readonly after: number;
  /** Those of them that got values. */
  readonly leaked: number;
}

export interface Round {
  /** Reads that got values before, so that each kind could have leaked. */
  readonly before: number;
  readonly ended: readonly Ended[];
}

interface Scene {
  readonly server: Announcement;
  readonly maker: Company;
  readonly clinic: Company;
  readonly doors: Doors;
}

/** Reads of each kind that are open at once, of one patient. */
const atOnce = 2;
/** Of one loop, or before all of them: connections end, but not all the time. */
const mostUnanswered = 20;

export async function openScene(server: Announcement): Promise<Scene> {
  const name = randomUUID().slice(0, 8);
  const maker = await enrolCompany(server, `Maker ${name}`);
  const clinic = await enrolCompany(server, `Clinic ${name}`);
  const apiKey = await keyOf(server, clinic);
  const doors = {
    grpc: clinic.transport,
    gateway: connect({ url: server.http, apiKey }),
    fhir: { url: server.http, apiKey },
  };
  return { server, maker, clinic, doors };
}

/** One patient whose data the clinic reads in all kinds at once, and who ends that in one way; each kind then reads so often again. */
export async function runRound(scene: Scene, end: string, readsAfter: number): Promise<Round> {
  const { given, atClinic } = await openPatient(scene);
  const reads = Object.entries(readsOf(scene.doors, atClinic));
  for (const [name, read] of reads) {
    if (!(await getsValues(read))) throw new Error(`${name} gets nothing from the beginning`);
  }
  let before = reads.length;
  let over = false;
  const loops = reads.flatMap(([name, read]) =>
    Array.from({ length: atOnce }, async (): Promise<Ended> => {
      let after = 0;
      let leaked = 0;
      let unanswered = 0;
      while (after < readsAfter) {
        const counts = over;
        const values = await read();
        if (values === undefined) {
          unanswered += 1;
          if (unanswered > mostUnanswered) throw new Error(`${name} is not answered any more`);
          continue;
        }
        if (counts) {
          after += 1;
          if (values > 0) leaked += 1;
        } else if (values > 0) before += 1;
      }
      return { end, read: name, after, leaked };
    }),
  );
  const [ended] = await Promise.all([
    Promise.all(loops),
    ends[end]!(given).then(() => {
      over = true;
    }),
  ]);
  return { before, ended };
}

/** Asks again, as users do: a busy machine may lose its session with consent for a moment, or take too long. */
async function getsValues(read: Read): Promise<boolean> {
  for (let tries = 0; tries < mostUnanswered; tries++) {
    if (((await read()) ?? 0) > 0) return true;
  }
  return false;
}

async function openPatient({ server, maker, clinic }: Scene) {
  const person = await enrolPerson(server, `After ${randomUUID()}`);
  const contributing = await grant(person, maker, Direction.CONTRIBUTE, ["heart", "body"]);
  const consent = await grant(person, clinic, Direction.READ, ["heart", "body"]);
  const idAt = async (company: Company, id: string) =>
    (await createClient(ConsentService, company.transport).getConsent({ consent: id })).consent!.patient;
  const values = Array.from({ length: samples }, (_, i) => String(60 + (i % 40)));
  await contribute(maker, await idAt(maker, contributing), {
    series: [bandSeries(heartRate, "/min", T0, values)],
    observations: [single(weight, "kg", T0, "80.5")],
  });
  const given: Given = {
    patient: person.transport,
    consent,
    reader: clinic.organization,
    contributor: maker.organization,
  };
  return { given, atClinic: await idAt(clinic, consent) };
}
