import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { consentFor, grant } from "@wellapi/demo/consents";
import { originOf, personAt, registerPerson } from "@wellapi/demo/people";
import {
  type ConsentRequest,
  ConsentRequestSchema,
  ConsentRequestService,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { closing, type Push } from "../closing.ts";
import { firstLoad, openChromium } from "../first-load.ts";
import { assertRun, type Line, type Result, type Size } from "../result.ts";
import { repeat } from "../runner.ts";
import { percentile } from "../statistics.ts";
import { fill } from "../stream-line.ts";
import { openWorld, type World } from "../world.ts";

/** A month of minutes. */
const minuteMessages = 44;
/** As many as may wait at one patient. */
const requestsAPatient = 3;
const day = 86_400_000;

export const people: Line = {
  name: "P16",
  title:
    "what a patient waits for: a preview of a month, a request in the inbox, the first load of the pages",
  run: (size) =>
    closing(async (push) => {
      // Each repetition asks other patients: few requests may wait at one.
      const perRepetition = size.quick ? 4 : 8;
      const repetitions = size.repetitions + 1;
      const world = await openWorld({ patients: 1 + perRepetition * repetitions }, push);
      const [one, ...others] = world.patients;
      const minutes = { name: "p16", shape: "minutes", samplesPerMessage: 1_000 } as const;
      await fill(world, { ...minutes, patients: [one!.atMaker], messages: minuteMessages });
      return [
        await previewResult(world, one!, size),
        await inboxResult(world, others, perRepetition, size),
        ...(await firstLoadResult(world, size, push)),
      ];
    }),
};

type Patient = World["patients"][number];

async function previewResult(world: World, { id, reading }: Patient, size: Size): Promise<Result> {
  const { transport } = await personAt(world.server, id);
  const previews = createClient(PreviewService, transport);
  const consent = await createClient(ConsentService, transport).getConsent({ consent: reading });
  const organization = consent.consent!.grantee;
  const request = {
    patient: id,
    purpose: Purpose.TREATMENT,
    view: { case: "grant", value: consentFor({ organization }, Direction.READ) },
  } as const;
  const calls = size.quick ? 5 : 40;
  const { value, spread, details } = await repeat(size, async () => {
    const took: number[] = [];
    for (let call = 0; call < calls; call++) {
      const began = performance.now();
      const { kinds } = await previews.previewReads(request);
      took.push(performance.now() - began);
      assertRun(kinds.length > 0 && kinds[0]!.seen!.values > 0n, "the preview counts the month");
    }
    return { value: percentile(took, 0.5), details: { "p99 ms": percentile(took, 0.99) } };
  });
  return row("P16 preview of a month of minutes", "ms (p50)", value, spread, details);
}

/** From the organization's call until the patient's page, which watches its inbox, has the notice. */
async function inboxResult(
  world: World,
  patients: readonly Patient[],
  perRepetition: number,
  size: Size,
): Promise<Result> {
  const asking = createClient(
    ConsentRequestService,
    connect({ url: world.server.grpc, certificate: world.target.tls }),
  );
  let next = 0;
  const { value, spread, details } = await repeat(size, async () => {
    const took: number[] = [];
    for (const { id, atMaker } of patients.slice(next, next + perRepetition)) {
      const { transport } = await personAt(world.server, id);
      const over = new AbortController();
      const inbox = createClient(NoticesService, transport).watchNotices({}, { signal: over.signal });
      const notices = inbox[Symbol.asyncIterator]();
      await notices.next(); // What is there already.
      for (let asked = 0; asked < requestsAPatient; asked++) {
        const began = performance.now();
        await asking.createConsentRequest({ consentRequest: requestTo(atMaker), requestId: `p16-${asked}` });
        const { value: told } = await notices.next();
        took.push(performance.now() - began);
        assertRun(told?.notices.length === 1, "one notice tells of the request");
      }
      over.abort();
    }
    next += perRepetition;
    return { value: percentile(took, 0.5), details: { "p99 ms": percentile(took, 0.99) } };
  });
  return row("P16 request to inbox", "ms (p50)", value, spread, details);
}

function requestTo(patient: string): ConsentRequest {
  const { provisions } = consentFor({ organization: "" }, Direction.READ, ["activity"]);
  const validity = { endTime: timestampFromMs(Date.now() + 30 * day) };
  return create(ConsentRequestSchema, { patient, provisions, validity, why: "To plan your training." });
}

async function firstLoadResult(world: World, size: Size, push: Push): Promise<readonly Result[]> {
  const browser = await openChromium();
  if (browser === undefined) {
    process.stderr.write("P16: no Chromium, so nothing is said of the first load\n");
    return [];
  }
  push(() => browser.close());
  const person = await registerPerson(world.server, "Ada", "ada@example.org");
  await grant(person, { organization: await grantee(world) }, Direction.READ);
  const { value, spread, details } = await repeat(size, async () => {
    const { ms, bytes } = await firstLoad(browser, originOf(world.server), person);
    return { value: ms, details: { "compressed KB": bytes / 1e3 } };
  });
  const goal = "interactive in a second on two cores, under 200 KB compressed";
  const met = value < 1_000 && details["compressed KB"]! < 200;
  return [{ ...row("P16 first load of the patient's pages", "ms", value, spread, details), goal, met }];
}

async function grantee(world: World): Promise<string> {
  const { id, reading } = world.patients[0]!;
  const { transport } = await personAt(world.server, id);
  const { consent } = await createClient(ConsentService, transport).getConsent({ consent: reading });
  return consent!.grantee;
}

function row(
  id: string,
  unit: string,
  value: number,
  spread: number,
  details: Readonly<Record<string, number>>,
): Result {
  return { id, value, unit, bound: null, ratio: null, spread, goal: "for information", met: null, details };
}
