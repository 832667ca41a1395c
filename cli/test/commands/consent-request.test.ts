import { writeFileSync } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Mask, Provision_Effect, type ProvisionSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  ConsentReceiptService,
  type GetConsentReceiptRequest,
} from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  type AcceptConsentRequestRequest,
  ConsentRequest_State,
  ConsentRequestService,
  type CreateConsentRequestRequest,
  type ListConsentRequestsRequest,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { openFolder, openGateway, wellapi } from "./world.ts";

const asked = {
  effect: Provision_Effect.PERMIT,
  directions: [Direction.CONTRIBUTE, Direction.READ],
  categories: [
    { name: "heart", version: 1 },
    { name: "sleep", version: 2 },
  ],
  purposes: [Purpose.TREATMENT, Purpose.RESEARCH],
  resolution: Resolution.RAW,
};
const request = {
  id: "crq_1",
  patient: "pat_1",
  organization: "org_1",
  provisions: [asked],
  why: "to see how it goes",
  state: ConsentRequest_State.OPEN,
  validity: { endTime: timestampFromMs(Date.UTC(2027, 3, 12)) },
  expireTime: timestampFromMs(Date.UTC(2026, 4, 12)),
};

async function openRequests() {
  const created: CreateConsentRequestRequest[] = [];
  const listed: ListConsentRequestsRequest[] = [];
  const accepted: AcceptConsentRequestRequest[] = [];
  const receipts: GetConsentReceiptRequest[] = [];
  const provisions: MessageInitShape<typeof ProvisionSchema>[] = [asked];
  const env = await openGateway(({ service }) => {
    service(ConsentRequestService, {
      createConsentRequest(message) {
        created.push(message);
        return { consentRequest: request };
      },
      getConsentRequest: () => ({ consentRequest: { ...request, provisions } }),
      listConsentRequests(message) {
        listed.push(message);
        return { consentRequests: [request] };
      },
      acceptConsentRequest(message) {
        accepted.push(message);
        return { consentRequest: { ...request, state: ConsentRequest_State.ACCEPTED, consent: "con_1" } };
      },
      refuseConsentRequest: () => ({ consentRequest: { ...request, state: ConsentRequest_State.REFUSED } }),
      withdrawConsentRequest: () => ({
        consentRequest: { ...request, state: ConsentRequest_State.WITHDRAWN },
      }),
    });
    service(ConsentReceiptService, {
      getConsentReceipt(message) {
        receipts.push(message);
        return { jws: "a.b.c" };
      },
    });
  });
  return { env, created, listed, accepted, receipts, provisions };
}

test("an organization asks for what the options say, for so many days", async () => {
  const { env, created } = await openRequests();
  const what = [
    "--direction",
    "read",
    "--category",
    "heart",
    "--purpose",
    "treatment",
    "--resolution",
    "daily",
  ];
  const how = [
    "--days",
    "365",
    "--why",
    "to see how it goes",
    "--continues",
    "con_9",
    "--request-id",
    "mine-1",
  ];
  const before = Date.now();
  expect(await wellapi(["consent", "request", "--patient", "pat_1", ...what, ...how], { env })).toEqual({
    code: 0,
    out: "crq_1",
    err: "",
  });
  const [{ requestId, consentRequest }] = created as [CreateConsentRequestRequest];
  expect(requestId).toBe("mine-1");
  expect(consentRequest).toMatchObject({
    patient: "pat_1",
    why: "to see how it goes",
    continues: "con_9",
    provisions: [{ directions: [Direction.READ], resolution: Resolution.DAILY }],
  });
  const days = (timestampMs(consentRequest!.validity!.endTime!) - before) / 86_400_000;
  expect(Math.round(days)).toBe(365);
  expect(consentRequest!.expireTime).toBeUndefined();
  const without = await wellapi(["consent", "request", "--patient", "pat_1", "--days", "1", "--why", "x"], {
    env,
  });
  expect(without).toMatchObject({ code: 2, err: expect.stringContaining("--direction and --category") });
});

test("requests are listed by their states", async () => {
  const { env, listed } = await openRequests();
  const { out, code } = await wellapi(["consent", "requests", "--state", "open"], { env });
  expect(code).toBe(0);
  expect(out).toContain("crq_1");
  expect(out).toContain("to see how it goes");
  expect(listed[0]!.states).toEqual([ConsentRequest_State.OPEN]);
});

test("a patient accepts what was asked for, or what options leave of it", async () => {
  const { env, accepted } = await openRequests();
  expect(await wellapi(["consent", "accept", "crq_1"], { env })).toMatchObject({ code: 0, out: "con_1" });
  expect(accepted[0]!.provisions).toMatchObject([asked]);
  const narrower = [
    "--category",
    "sleep",
    "--direction",
    "read",
    "--purpose",
    "research",
    "--resolution",
    "daily",
  ];
  const until = ["--last-days", "30", "--valid-to", "2026-12-31T00:00:00Z"];
  await wellapi(["consent", "accept", "crq_1", ...narrower, ...until], { env });
  expect(accepted[1]).toMatchObject({
    provisions: [
      {
        directions: [Direction.READ],
        categories: [{ name: "sleep", version: 2 }],
        purposes: [Purpose.RESEARCH],
        resolution: Resolution.DAILY,
        window: { case: "capturedInLast", value: { seconds: 30n * 86_400n } },
      },
    ],
    validity: { endTime: { seconds: BigInt(Date.UTC(2026, 11, 31) / 1000) } },
  });
  await wellapi(["consent", "accept", "crq_1", "--direction", "contribute"], { env });
  expect(accepted[2]!.provisions).toMatchObject([
    { directions: [Direction.CONTRIBUTE], purposes: [], resolution: Resolution.UNSPECIFIED },
  ]);
  await wellapi(["consent", "accept", "crq_1", "--source", "org_watch"], { env });
  expect(accepted[3]!.provisions).toMatchObject([
    { directions: [Direction.CONTRIBUTE], purposes: [], resolution: Resolution.UNSPECIFIED },
    { directions: [Direction.READ], sources: { organizations: ["org_watch"] }, resolution: Resolution.RAW },
  ]);
  await wellapi(["consent", "accept", "crq_1", "--mask", "notes", "performer"], { env });
  expect(accepted[4]!.provisions).toMatchObject([
    { directions: [Direction.CONTRIBUTE], masks: [] },
    { directions: [Direction.READ], masks: [Mask.NOTES, Mask.PERFORMER] },
  ]);
  expect(accepted[4]!.provisions[1]!.sources).toBeUndefined();
  await wellapi(["consent", "accept", "crq_1", "--device", "org_watch:dev_1"], { env });
  const device = { organization: "org_watch", deviceId: "dev_1" };
  expect(accepted[5]!.provisions).toMatchObject([
    { directions: [Direction.CONTRIBUTE] },
    { directions: [Direction.READ], sources: { organizations: [], devices: [device] } },
  ]);
  const nothing = await wellapi(["consent", "accept", "crq_1", "--category", "glucose"], { env });
  expect(nothing).toMatchObject({ code: 2, err: expect.stringContaining("refuse it instead") });
  expect(accepted).toHaveLength(6);
});

test("an option widens none of what was asked for", async () => {
  const { env, accepted, provisions } = await openRequests();
  const days = (count: bigint) => ({ case: "capturedInLast" as const, value: { seconds: count * 86_400n } });
  const since = (at: number) => ({
    case: "capturedWithin" as const,
    value: { startTime: timestampFromMs(at) },
  });
  const read = { ...asked, directions: [Direction.READ] };
  provisions.splice(
    0,
    1,
    { ...read, resolution: Resolution.DAILY, window: days(7n) },
    { ...read, resolution: Resolution.RAW, window: days(90n) },
    { ...read, resolution: Resolution.RAW, window: since(Date.UTC(2020, 0, 1)) },
  );
  const accept = ["consent", "accept", "crq_1", "--resolution", "hourly", "--last-days", "30"];
  await wellapi(accept, { env });
  expect(accepted[0]!.provisions).toMatchObject([
    { resolution: Resolution.DAILY, window: days(7n) },
    { resolution: Resolution.HOURLY, window: days(30n) },
    { resolution: Resolution.HOURLY, window: days(30n) },
  ]);
  for (const window of [
    since(Date.now()),
    { case: "capturedWithin" as const, value: { endTime: timestampFromMs(Date.UTC(2021, 0, 1)) } },
  ]) {
    provisions.splice(0, provisions.length, { ...read, window });
    expect(await wellapi(accept, { env })).toMatchObject({
      code: 2,
      err: expect.stringContaining("--last-days"),
    });
  }
  expect(accepted).toHaveLength(1);
});

test("a patient accepts the provisions of a file", async () => {
  const { env, accepted } = await openRequests();
  const file = `${openFolder()}/consent.json`;
  writeFileSync(
    file,
    JSON.stringify({ provisions: [{ effect: "EFFECT_PERMIT", categories: [{ name: "heart" }] }] }),
  );
  await wellapi(["consent", "accept", "crq_1", "--from", file], { env });
  expect(accepted[0]!.provisions).toMatchObject([{ categories: [{ name: "heart" }] }]);
});

test.each([
  ["refuse", "crq_1 refused"],
  ["withdraw", "crq_1 withdrawn"],
])("%s says what became of it", async (verb, says) => {
  const { env } = await openRequests();
  expect(await wellapi(["consent", verb, "crq_1"], { env })).toMatchObject({ code: 0, out: says });
});

test("a receipt is of a consent's version, or of a request", async () => {
  const { env, receipts } = await openRequests();
  expect(await wellapi(["consent", "receipt", "con_1", "--of-version", "2"], { env })).toMatchObject({
    out: "a.b.c",
  });
  await wellapi(["consent", "receipt", "crq_1"], { env });
  expect(receipts.map(({ decision }) => decision)).toMatchObject([
    { case: "consentVersion", value: { consent: "con_1", version: 2 } },
    { case: "consentRequest", value: "crq_1" },
  ]);
});
