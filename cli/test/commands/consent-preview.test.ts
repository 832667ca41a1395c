import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { PreviewedKind_Withheld, PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const T0 = Date.UTC(2026, 3, 12, 8);
const span = { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + 3_600_000) };
const asked = {
  effect: Provision_Effect.PERMIT,
  directions: [Direction.READ],
  categories: [{ name: "heart" }, { name: "body" }],
  purposes: [Purpose.RESEARCH],
  resolution: Resolution.RAW,
};
const heart = {
  code: { code: "8867-4", display: "Heart rate" },
  held: { values: 5n, observations: 0n, span },
  seen: { values: 3n, observations: 0n, span },
  withheld: PreviewedKind_Withheld.OUTSIDE_WINDOW,
  firstSamples: [
    {
      series: {
        unit: "/min",
        times: {
          start: { case: "startTime" as const, value: span.startTime },
          spacing: { case: "periodMs" as const, value: 60_000 },
        },
        values: { case: "decimals" as const, value: { scale: 1, mantissas: [605, 610] } },
      },
    },
  ],
};
const weight = {
  code: { code: "29463-7", display: "Weight" },
  held: { values: 1n, observations: 1n, span },
  withheld: PreviewedKind_Withheld.COARSER,
  sums: [
    {
      resolution: Resolution.DAILY,
      buckets: 2n,
      span,
      first: { unit: "kg", buckets: [{ count: 5, mean: "80.4" }] },
    },
  ],
};

async function openPreviews() {
  const previewed: object[] = [];
  const env = await openGateway(({ service }) => {
    service(ConsentRequestService, {
      getConsentRequest: () => ({ consentRequest: { id: "crq_1", provisions: [asked] } }),
    });
    service(PreviewService, {
      previewReads(request) {
        previewed.push(request);
        const common = { organization: "org_1", decisionTime: timestampFromMs(T0) };
        if (request.pageToken === "more") return { ...common, kinds: [weight] };
        const records = [{ resourceType: "Condition", held: 4n, seen: 1n }];
        return { ...common, kinds: [heart], records, nextPageToken: "more" };
      },
    });
  });
  return { env, previewed };
}

const asPatient = ["--patient", "pat_1"];

test("shows all pages of what is seen, with its first values, beside what is not and why", async () => {
  const { env, previewed } = await openPreviews();
  const call = ["consent", "preview", "--organization", "org_1", "--for", "treatment", ...asPatient];
  const { code, out, err } = await wellapi(call, { env });
  expect([code, err]).toEqual([
    0,
    "what org_1 reads at 2026-04-12T08:00:00.000Z; it is not told that you looked",
  ]);
  expect(previewed).toMatchObject([
    { patient: "pat_1", purpose: Purpose.TREATMENT, view: { case: "organization", value: "org_1" } },
    { pageToken: "more" },
  ]);
  expect(out).toMatch(/Heart rate .* 3 values .* 60\.5 \/min, 61\.0 \/min .* 5 values .* of another time/);
  expect(out).toMatch(/Weight .* nothing .* 1 values .* only sums/);
  expect(out).toMatch(/Weight .* daily: 2 sums .* mean 80\.4 kg/);
  expect(out).toMatch(/Condition .* 1 records .* 4 .* not permitted/);
});

test("narrows a request as accepting does, for the purpose that it names, and prints JSON as the contract has it", async () => {
  const { env, previewed } = await openPreviews();
  const narrowed = ["--request", "crq_1", "--category", "heart", "--resolution", "daily", "--json"];
  const { out } = await wellapi(["consent", "preview", ...narrowed, ...asPatient], { env });
  const provision = { ...asked, categories: [{ name: "heart" }], resolution: Resolution.DAILY };
  expect(previewed[0]).toMatchObject({
    purpose: Purpose.RESEARCH,
    view: { case: "acceptance", value: { consentRequest: "crq_1", provisions: [provision] } },
  });
  expect(JSON.parse(out)).toMatchObject({
    kinds: [{ code: { code: "8867-4" }, seen: { values: "3" } }, { code: { code: "29463-7" } }],
    records: [{ resourceType: "Condition" }],
  });
});

test("takes one thing to look at", async () => {
  const { env } = await openPreviews();
  for (const more of [[], ["--organization", "org_1", "--consent", "con_1"]]) {
    const { code, err } = await wellapi(["consent", "preview", ...more, ...asPatient], { env });
    expect(code).not.toBe(0);
    expect(err).toMatch(/use one of --organization, --consent, --request, and --grantee or --from/);
  }
});
