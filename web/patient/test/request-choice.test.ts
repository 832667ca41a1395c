import { clone, create } from "@bufbuild/protobuf";
import { Mask, Provision_Effect, SourceSelectorSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentRequestSchema } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { CaptureMethod, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import {
  acceptanceOf,
  masksOf,
  resolutionsOf,
  shorterDays,
  sourcesOf,
  wholeOf,
} from "../app/sharing/request-choice.ts";

const now = Date.parse("2026-11-27T12:00:00Z");
const request = create(ConsentRequestSchema, {
  id: "crq_1",
  provisions: [
    {
      effect: Provision_Effect.PERMIT,
      directions: [Direction.READ],
      categories: [
        { name: "heart", version: 1 },
        { name: "sleep", version: 2 },
      ],
      purposes: [Purpose.TREATMENT],
      resolution: Resolution.HOURLY,
      regions: ["eu"],
    },
  ],
  validity: { endTime: { seconds: BigInt(now / 1_000 + 100 * 86_400) } },
});
const whole = wholeOf(request);

describe("what a patient accepts", () => {
  test("is not named where it is all that was asked for", () => {
    expect(acceptanceOf(request, whole, now)).toEqual({ consentRequest: "crq_1", provisions: [] });
  });

  test("keeps the version and every other term of what is left", () => {
    const choice = { ...whole, categories: [new Set(["sleep"])], resolutions: [Resolution.DAILY] };
    const { provisions } = acceptanceOf(request, choice, now)!;
    expect(provisions).toHaveLength(1);
    expect(provisions[0]).toMatchObject({
      categories: [{ name: "sleep", version: 2 }],
      resolution: Resolution.DAILY,
      purposes: [Purpose.TREATMENT],
      regions: ["eu"],
    });
    expect(request.provisions[0]!.categories).toHaveLength(2);
  });

  test("is what one sender sends; what the organization may send itself stays as it was", () => {
    const both = clone(ConsentRequestSchema, request);
    both.provisions[0]!.directions = [Direction.READ, Direction.CONTRIBUTE];
    const { provisions } = acceptanceOf(both, { ...wholeOf(both), sources: ["org_watch"] }, now)!;
    expect(provisions).toMatchObject([
      { directions: [Direction.CONTRIBUTE], purposes: [], resolution: Resolution.UNSPECIFIED },
      {
        directions: [Direction.READ],
        sources: { organizations: ["org_watch"] },
        purposes: [Purpose.TREATMENT],
      },
    ]);
    expect(provisions[0]!.sources).toBeUndefined();
    const measured = clone(ConsentRequestSchema, request);
    const methods = [CaptureMethod.SENSED];
    measured.provisions[0]!.sources = create(SourceSelectorSchema, { methods });
    const senders = ["org_watch", "org_ring"];
    expect(sourcesOf(measured.provisions[0]!, senders)).toEqual(senders);
    const one = acceptanceOf(measured, { ...wholeOf(measured), sources: ["org_watch"] }, now)!;
    expect(one.provisions[0]!.sources).toMatchObject({ organizations: ["org_watch"], methods });
  });

  test("leaves notes out of what is read, beside what was not asked for; hourly data has none", () => {
    const asked = clone(ConsentRequestSchema, request);
    asked.provisions[0]!.resolution = Resolution.RAW;
    asked.provisions[0]!.masks = [Mask.PERFORMER];
    expect(masksOf(asked.provisions[0]!, Resolution.RAW)).toEqual([Mask.DEVICE, Mask.NOTES]);
    expect(masksOf(asked.provisions[0]!, Resolution.DAILY)).toEqual([Mask.NOTES]);
    expect(masksOf(request.provisions[0]!, Resolution.HOURLY)).toEqual([]);
    const chosen = { ...wholeOf(asked), masks: [new Set([Mask.NOTES])] };
    const { provisions } = acceptanceOf(asked, chosen, now)!;
    expect(provisions).toMatchObject([{ masks: [Mask.PERFORMER, Mask.NOTES] }]);
    expect(provisions[0]!.sources).toBeUndefined();
  });

  test("is nothing where nothing is left", () => {
    expect(acceptanceOf(request, { ...whole, categories: [new Set<string>()] }, now)).toBeUndefined();
  });

  test("ends sooner, and begins when the request says", () => {
    const accepted = acceptanceOf(request, { ...whole, days: 30 }, now)!;
    expect(accepted.validity).toEqual({ endTime: { seconds: BigInt(now / 1_000 + 30 * 86_400), nanos: 0 } });
  });
});

test("only what is coarser and what is shorter is offered", () => {
  const [asked] = request.provisions;
  expect(resolutionsOf(asked!, new Set())).toEqual([Resolution.HOURLY, Resolution.DAILY]);
  const raw = { ...asked!, resolution: Resolution.RAW };
  expect(resolutionsOf(raw, new Set([Mask.NOTES]))).toHaveLength(3);
  expect(resolutionsOf(raw, new Set([Mask.DEVICE]))).toEqual([Resolution.RAW]);
  expect(resolutionsOf({ ...raw, masks: [Mask.DEVICE] }, new Set())).toEqual([Resolution.RAW]);
  expect(shorterDays(request, now)).toEqual([7, 30, 90]);
});
