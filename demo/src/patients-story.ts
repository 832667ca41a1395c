import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { verifyLogGrowth, verifyLoggedAccess, verifyReceipt } from "@wellapi/client";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { consentFor, grant } from "./consents.ts";
import { type Narrator, sparkline } from "./narrator.ts";
import type { Company, Person, SignedInPerson } from "./people.ts";
import { auditOf, day, heartRate, listedAccesses, type ReadBack, readAll, steps } from "./reading.ts";

const YEAR_MS = 365 * 86_400_000;

/** A clinic, as one person's consent made it know them. */
export interface Treating {
  readonly clinic: Company;
  readonly person: SignedInPerson;
  /** The person, by the clinic's own id. */
  readonly known: string;
}

/** The log as somebody saw it before. */
export interface SeenLog {
  readonly checkpoint: string;
  readonly verifierKey: string;
}

/** The person lets the clinic write: so it knows them, by an id of its own, and may ask for more. */
export async function beTreated(clinic: Company, person: SignedInPerson): Promise<Treating> {
  const consent = await grant(person, clinic, Direction.CONTRIBUTE, ["laboratory"]);
  const { consents } = await createClient(ConsentService, clinic.transport).listConsents({});
  return { clinic, person, known: consents.find(({ id }) => id === consent)!.patient };
}

/** The clinic asks, the person narrows what is asked, looks at what it would see, and accepts. The consent's id. */
export async function decideRequest(
  { clinic, person, known }: Treating,
  narrator: Narrator,
): Promise<{ readonly consent: string; readonly foreseen: number }> {
  await narrator.refused("before it has asked, the clinic reads", "CONSENT_REQUIRED", () =>
    readAll(clinic, known, heartRate, Purpose.TREATMENT),
  );
  const asked = consentFor(clinic, Direction.READ, ["heart", "activity"]).provisions;
  await createClient(ConsentRequestService, clinic.transport).createConsentRequest({
    requestId: randomUUID(),
    consentRequest: {
      patient: known,
      provisions: asked,
      validity: { endTime: timestampFromMs(Date.now() + YEAR_MS) },
      why: "To see how your heart rate changes with the new dose",
    },
  });
  const requests = createClient(ConsentRequestService, person.transport);
  const { consentRequests } = await requests.listConsentRequests({});
  const request = consentRequests[0]!;
  narrator.say(`${clinic.name} asks for heart and activity: “${request.why}”`);
  const consentRequest = request.id;
  const whole = await foreseen(person, { consentRequest });
  narrator.hold(
    `accepted as it is asked, it would see ${whole.heart} heart rates and ${whole.steps} counts of steps`,
    whole.heart > 0 && whole.steps > 0,
  );
  const { provisions } = consentFor(clinic, Direction.READ, ["heart"]);
  const narrowed = await foreseen(person, { consentRequest, provisions });
  narrator.hold(
    `narrowed to the heart it would see the same ${narrowed.heart} heart rates, and no steps`,
    narrowed.heart === whole.heart && narrowed.steps === 0,
  );
  const { consent } = await requests.acceptConsentRequest({ consentRequest, provisions });
  narrator.say("the person accepts that, for a year");
  return { consent: consent!.id, foreseen: narrowed.heart };
}

/** How many heart rates and steps the clinic would see, if its request were accepted so. */
async function foreseen(
  person: Person,
  acceptance: {
    readonly consentRequest: string;
    readonly provisions?: ReturnType<typeof consentFor>["provisions"];
  },
) {
  const { kinds } = await createClient(PreviewService, person.transport).previewReads({
    patient: person.id,
    purpose: Purpose.TREATMENT,
    view: { case: "acceptance", value: acceptance },
  });
  const seen = (code: string) => Number(kinds.find((kind) => kind.code?.code === code)?.seen?.values ?? 0n);
  return { heart: seen(heartRate), steps: seen(steps) };
}

/** The clinic reads what it may. */
export async function readUnder(
  { clinic, known }: Treating,
  decided: { readonly consent: string; readonly foreseen: number },
  narrator: Narrator,
): Promise<{ readonly month: ReadBack; readonly oneDay: ReadBack }> {
  const month = await readAll(clinic, known, heartRate, Purpose.TREATMENT);
  narrator.hold(
    `the clinic reads ${month.samples} heart rates, exactly what the person was shown`,
    month.ended && month.samples === decided.foreseen,
  );
  narrator.hold(
    "and with all of them came the consent that let them through",
    month.consents.length === 1 && month.consents[0] === decided.consent,
  );
  const oneDay = await readAll(clinic, known, heartRate, Purpose.TREATMENT, day);
  const { aggregates } = await createClient(RecordsService, clinic.transport).aggregateSeries({
    patient: known,
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
  await narrator.refused("the clinic asks for steps, which the person left out", "CONSENT_REQUIRED", () =>
    readAll(clinic, known, steps, Purpose.TREATMENT),
  );
  await narrator.refused("the clinic asks for research, which was not agreed", "CONSENT_REQUIRED", () =>
    readAll(clinic, known, heartRate, Purpose.RESEARCH),
  );
  return { month, oneDay };
}

/** The person sees the read in the log, and proves that the log holds it, trusting a public key alone. */
export async function seeAndProve(
  person: Person,
  read: ReadBack,
  before: SeenLog,
  narrator: Narrator,
): Promise<{ readonly seen: number; readonly denied: number }> {
  const audit = auditOf(person);
  const { accesses, denied } = await listedAccesses(audit, 3);
  narrator.hold(
    `the person sees ${accesses.length} accesses, ${denied} of them refused`,
    denied >= 3 && accesses.some(({ access }) => access?.id === read.access),
  );
  const proven = await verifyLoggedAccess(audit, read.access, before.verifierKey);
  narrator.hold(
    `the clinic's read is entry ${proven.index} of a log of ${proven.size}, unchanged`,
    proven.index >= 0,
  );
  const grown = await verifyLogGrowth(audit, before.checkpoint, before.verifierKey);
  narrator.hold(`the log of ${grown.to} entries contains the log of ${grown.from}`, grown.to > grown.from);
  return { seen: accesses.length, denied };
}

/** The person takes the consent back. */
export async function stop(
  { clinic, person, known }: Treating,
  consent: string,
  narrator: Narrator,
): Promise<void> {
  const started = performance.now();
  await createClient(ConsentService, person.transport).revokeConsent({ consent });
  narrator.say(`stopped in ${(performance.now() - started).toFixed(0)} ms`);
  await narrator.refused("the clinic's next read", "CONSENT_REQUIRED", () =>
    readAll(clinic, known, heartRate, Purpose.TREATMENT, day),
  );
}

/** The person erases everything; how many documents that deleted. */
export async function eraseAll({ clinic, person, known }: Treating, narrator: Narrator): Promise<number> {
  const records = createClient(RecordsService, person.transport);
  const mine = await readAll(person, person.id, heartRate, Purpose.PATIENT_REQUEST);
  narrator.hold(`before, they can read their own ${mine.samples} heart rates`, mine.samples > 0);
  const { erasure } = await records.erasePatient({ patient: person.id });
  const receipt = erasure!.receipt!;
  narrator.hold(
    `their key is destroyed and ${receipt.documentsDeleted} documents deleted`,
    receipt.keysDestroyed > 0 && receipt.documentsDeleted > 0,
  );
  const { jwks } = await auditOf(clinic).getReceiptKeys({});
  const claims = await verifyReceipt("wellapi-erasure-receipt+jwt", receipt.jws, JSON.parse(jwks));
  narrator.hold(
    "the receipt's signature verifies, and it names that key",
    String(claims.key_ids) === String(receipt.keyIds),
  );
  await narrator.refused("the clinic reads the erased person", "CONSENT_REQUIRED", () =>
    readAll(clinic, known, heartRate, Purpose.TREATMENT),
  );
  await narrator.refused("the erased person's own session reads", "CONSENT_REQUIRED", () =>
    readAll(person, person.id, heartRate, Purpose.PATIENT_REQUEST),
  );
  return receipt.documentsDeleted;
}
