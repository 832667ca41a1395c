import { create } from "@bufbuild/protobuf";
import {
  Consent_State,
  ConsentSchema,
  SourceSelectorSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { CaptureMethod, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import { leavingOut, leftOutOf, offeredSources } from "../app/sharing/left-out.ts";
import { grantOf, nothingOf, offerOf } from "../app/sharing/own-grant.ts";
import { permissionsOf, readCategories } from "../app/sharing/permission.ts";
import { consent, deny, permit } from "./consents.ts";

const watch = { organization: "org_maker", deviceId: "dev_watch" };
const lab = { organization: "org_lab", deviceId: "" };
const leaving = (source: typeof watch) =>
  consent({ id: `con_${source.deviceId}`, ...leavingOut("org_clinic", ["heart"], source) } as never);

describe("what is left out, source by source,", () => {
  test("is what was left out and not let through again; other denials are not taken for it", () => {
    expect(leftOutOf([leaving(watch), leaving(lab)])).toEqual([
      { ...watch, consent: "con_dev_watch" },
      { ...lab, consent: "con_" },
    ]);
    const sources = create(SourceSelectorSchema, { organizations: ["org_lab"] });
    const entered = { organizations: ["org_lab"], methods: [CaptureMethod.SELF_REPORTED] };
    const others = [
      consent({ provisions: [deny(["heart"], { sources: create(SourceSelectorSchema, entered) })] }),
      { ...leaving(watch), state: Consent_State.REVOKED },
      consent({ provisions: [deny(["heart"])] }),
      consent({ provisions: [deny(["heart"], { sources, purposes: [Purpose.RESEARCH] })] }),
      consent({ provisions: [permit(["sleep"]), deny(["heart"], { sources })] }),
      consent({ provisions: [{ ...permit(["heart"]), sources }] }),
    ];
    expect(leftOutOf(others)).toEqual([]);
  });

  test("is no permission by itself, ends none, and is not stopped with them", () => {
    expect(permissionsOf([leaving(watch)])).toEqual([]);
    const given = consent({
      provisions: [permit(["heart"])],
      validity: { endTime: { seconds: 90n } },
    } as never);
    const [permission] = permissionsOf([given, leaving(watch)]);
    expect(permission).toMatchObject({ denied: [], until: 90_000 });
    expect(permission!.consents).toEqual([given]);
    expect(readCategories(permission!)).toEqual(["heart"]);
    const sources = create(SourceSelectorSchema, { devices: [watch] });
    const ofWatch = consent({ provisions: [{ ...permit(["heart"]), sources }] });
    expect(readCategories(permissionsOf([ofWatch, leaving(watch)])[0]!)).toEqual([]);
    expect(readCategories(permissionsOf([ofWatch, leaving(lab)])[0]!)).toEqual(["heart"]);
  });

  test("is offered of each who sends, and of each device, also of one that shows nothing any more", () => {
    const sources = [
      { organization: "org_maker", deviceId: "dev_ring", deviceModel: "Ring" },
      { organization: "org_maker", deviceId: "", deviceModel: "" },
    ];
    const offered = offeredSources(sources, ["org_hospital"], leftOutOf([leaving(watch)]));
    expect(
      offered.map(({ organization, deviceId, model, leftOutBy }) => {
        return [organization, deviceId, model, leftOutBy];
      }),
    ).toEqual([
      ["org_hospital", "", "", undefined],
      ["org_maker", "", "", undefined],
      ["org_maker", "dev_ring", "Ring", undefined],
      ["org_maker", "dev_watch", "", "con_dev_watch"],
    ]);
  });
});

describe("what a patient gives unasked", () => {
  const offer = offerOf("org_clinic", ["heart", "sleep"], Purpose.TREATMENT);

  test("is nothing before something is chosen, and then that alone", () => {
    const nothing = nothingOf(offer);
    expect(grantOf(offer, nothing, 0)).toBeUndefined();
    const chosen = {
      ...nothing,
      categories: [new Set(["sleep"])],
      resolutions: [Resolution.DAILY],
      sources: ["org_lab"],
      days: 7,
    };
    const given = create(ConsentSchema, grantOf(offer, chosen, 0));
    expect(given).toMatchObject({
      grantee: "org_clinic",
      validity: { endTime: { seconds: 7n * 86_400n } },
      provisions: [
        {
          categories: [{ name: "sleep" }],
          purposes: [Purpose.TREATMENT],
          resolution: Resolution.DAILY,
          sources: { organizations: ["org_lab"] },
        },
      ],
    });
  });

  test("is all of it, until it is stopped, where all is chosen", () => {
    const all = { ...nothingOf(offer), categories: [new Set(["heart", "sleep"])] };
    const given = create(ConsentSchema, grantOf(offer, all, 0));
    expect(given.validity).toBeUndefined();
    expect(given.provisions).toMatchObject([{ categories: [{ name: "heart" }, { name: "sleep" }] }]);
  });
});
