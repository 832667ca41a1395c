import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Consent_State,
  type Consent as ConsentMessage,
  ConsentSchema,
  DeIdentification,
  Mask,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { CaptureMethod, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import type { ConsentError } from "../src/errors.ts";
import { refuseUnknownFields, requestedContent, termsOf } from "../src/terms-convert.ts";
import { denial, reading, wanted } from "./messages.ts";

const now = 1_000_000;
/** Of heart there are two versions. */
const versions = new Map([
  ["heart", 2],
  ["sleep", 1],
]);
const terminology = {
  ...shippedTerminology,
  currentVersion: (name: string) => versions.get(name) ?? 0,
};
const contributing = {
  ...reading,
  directions: [Direction.CONTRIBUTE],
  purposes: [],
  resolution: Resolution.UNSPECIFIED,
};

const deviceOf = (id: string) => (id.startsWith("own_") ? id.replace("own_", "dev_") : undefined);
const nameable = { terminology, deviceOf };
const messageOf = (change: object) => create(ConsentSchema, { ...wanted, ...change } as never);
const taken = (change: object) => termsOf(messageOf(change), now, nameable);
const takenProvision = (provision: object) => taken({ provisions: [provision] }).provisions[0];

/** [field, reason] of each thing that is wrong, without the path to a lone provision. */
function refused(message: ConsentMessage | undefined) {
  try {
    termsOf(message, now, nameable);
  } catch (error) {
    const { code, problem } = error as ConsentError;
    expect(code).toBe("invalid");
    for (const { description } of problem.violations!) expect(description).toMatch(/.../);
    return problem.violations!.map(({ field, reason }) => [
      field.replace("consent.", "").replace("provisions[0].", ""),
      reason,
    ]);
  }
  return [];
}
const refusedProvision = (provision: object) => refused(messageOf({ provisions: [provision] }));
const invalid = (...fields: string[]) => fields.map((field) => [field, "INVALID_FIELD"]);
const notYet = (...fields: string[]) => fields.map((field) => [field, "NOT_ENFORCED_YET"]);

describe("what is asked for becomes terms:", () => {
  it("the grantee, the provisions, until when, and what was read before", () => {
    const validity = { startTime: timestampFromMs(5), endTime: timestampFromMs(now + 1) };
    expect(taken({ validity })).toEqual({
      grantee: "org_clinic",
      provisions: [
        {
          effect: "permit",
          directions: ["read"],
          categories: [{ name: "heart", version: 2 }],
          purposes: ["treatment"],
          resolution: "hourly",
          captured: {},
          regions: [],
        },
      ],
      validity: { start: 5, end: now + 1 },
      notice: { uri: wanted.notice.uri, language: "de-CH", sha256: "a".repeat(64) },
    });
  });

  it("nothing that is not stated", () => {
    expect(Object.keys(taken({ notice: undefined })).sort()).toEqual(["grantee", "provisions", "validity"]);
    expect(taken({}).validity).toEqual({});
    expect(taken({ validity: { startTime: timestampFromMs(5) } }).validity).toEqual({ start: 5 });
    expect(taken({ validity: { endTime: timestampFromMs(now + 1) } }).validity).toEqual({ end: now + 1 });
  });

  it("contributing has no purpose and no resolution, also where it is called raw", () => {
    const expected = { directions: ["contribute"], purposes: [], captured: {} };
    const plain = takenProvision(contributing)!;
    expect(plain).toMatchObject(expected);
    expect(plain).not.toHaveProperty("resolution");
    const raw = takenProvision({ ...contributing, resolution: Resolution.RAW });
    expect(raw).toEqual(plain);
  });

  it("both directions at once are of one provision", () => {
    const both = { ...reading, directions: [Direction.CONTRIBUTE, Direction.READ] };
    expect(takenProvision(both)).toMatchObject({
      directions: ["contribute", "read"],
      purposes: ["treatment"],
      resolution: "hourly",
    });
  });

  it("a denial has no resolution, and purposes where they are named", () => {
    const plain = takenProvision(denial);
    expect(plain).toMatchObject({ effect: "deny", purposes: [] });
    expect(plain).not.toHaveProperty("resolution");
    expect(takenProvision({ ...denial, purposes: [Purpose.RESEARCH] })).toMatchObject({
      purposes: ["research"],
    });
  });

  it("a category is pinned to the version that is named, or to the newest", () => {
    const categories = [
      { name: "heart", version: 1 },
      { name: "sleep", version: 0 },
    ];
    expect(takenProvision({ ...reading, categories })!.categories).toEqual([
      { name: "heart", version: 1 },
      { name: "sleep", version: 1 },
    ]);
    expect(takenProvision({ ...reading, categories: [{ name: "heart", version: 2 }] })!.categories).toEqual([
      { name: "heart", version: 2 },
    ]);
  });

  it("a window of capture stands or slides, and regions are kept", () => {
    const within = {
      case: "capturedWithin",
      value: { startTime: { seconds: 1n, nanos: 1 }, endTime: { seconds: 2n, nanos: 5_000_000 } },
    };
    // Rounded up: data has whole milliseconds, and none of them lies between.
    expect(takenProvision({ ...reading, window: within })!.captured).toEqual({ start: 1_001, end: 2_005 });
    const sliding = { case: "capturedInLast", value: { seconds: 60n, nanos: 5_000_000 } };
    expect(takenProvision({ ...reading, window: sliding })!.captured).toEqual({ lastMs: 60_005 });
    expect(takenProvision({ ...reading, regions: ["eu", "us"] })!.regions).toEqual(["eu", "us"]);
  });
});

describe("whose data is meant", () => {
  const from = (...organizations: string[]) => ({ sources: { organizations } });

  it("is told by the contributors, of reading and of denying to read", () => {
    expect(takenProvision({ ...reading, ...from("org_b", "org_a") })!.sources).toEqual({
      organizations: ["org_a", "org_b"],
    });
    expect(takenProvision({ ...denial, ...from("org_a") })!.sources).toEqual({ organizations: ["org_a"] });
    expect(takenProvision(reading)).not.toHaveProperty("sources");
  });

  it("is told by devices, too, by the caller's own ids, each once", () => {
    const device = (organization: string, deviceId: string) => ({ organization, deviceId });
    const devices = [device("org_b", "own_2"), device("org_a", "own_1"), device("org_a", "own_1")];
    expect(takenProvision({ ...denial, sources: { devices } })!.sources).toEqual({
      organizations: [],
      devices: [
        { organization: "org_a", device: "dev_1" },
        { organization: "org_b", device: "dev_2" },
      ],
    });
    const strange = { devices: [device("org_a", "own_1"), device("org_a", "watch")] };
    expect(refusedProvision({ ...denial, sources: strange })).toEqual(
      invalid("sources.devices[1].device_id"),
    );
    const names = Array.from({ length: 9 }, (_, i) => `${i}`);
    const both = {
      organizations: names.map((one) => `org_${one}`),
      devices: names.map((one) => device("org_0", `own_${one}`)),
    };
    expect(refusedProvision({ ...denial, sources: both })).toEqual(invalid("provisions"));
  });

  it("is not left open, not said of contributing, and not of more than can be decided about apart", () => {
    expect(refusedProvision({ ...reading, sources: {} })).toEqual(invalid("sources.organizations"));
    expect(refusedProvision({ ...contributing, ...from("org_a") })).toEqual(invalid("sources"));
    const both = { ...reading, directions: [Direction.CONTRIBUTE, Direction.READ], ...from("org_a") };
    expect(refusedProvision(both)).toEqual(invalid("sources"));
    const many = [0, 8, 16].map((first) => {
      const names = Array.from({ length: 8 }, (_, i) => `org_${first + i}`);
      return { ...reading, ...from(...names) };
    });
    expect(refused(messageOf({ provisions: many }))).toEqual(invalid("provisions"));
    expect(refused(messageOf({ provisions: many.slice(1) }))).toEqual([]);
  });
});

describe("what is wrong is refused by its field:", () => {
  it("a consent that says nothing", () => {
    expect(refused(undefined)).toEqual(invalid("provisions"));
    expect(refused(messageOf({ provisions: [] }))).toEqual(invalid("provisions"));
  });

  it("one that has ended", () => {
    const endsAt = (ms: number) => messageOf({ validity: { endTime: timestampFromMs(ms) } });
    expect(refused(endsAt(now))).toEqual(invalid("validity.end_time"));
    expect(refused(endsAt(now + 1))).toEqual([]);
  });

  it.each([
    ["no effect", { effect: 0 }, "effect"],
    ["an effect that is not known", { effect: 7 }, "effect"],
    ["a direction that is not known", { directions: [Direction.READ, 7] }, "directions"],
    ["a purpose that is not known", { purposes: [Purpose.TREATMENT, 99] }, "purposes"],
    ["reading for no purpose", { purposes: [] }, "purposes"],
    ["reading at no resolution", { resolution: Resolution.UNSPECIFIED }, "resolution"],
    ["a resolution that is not known", { resolution: 99 }, "resolution"],
    ["a category that is none", { categories: [{ name: "gossip", version: 0 }] }, "categories[0].name"],
    ["a version that is not out", { categories: [{ name: "heart", version: 3 }] }, "categories[0].version"],
    [
      "a category twice",
      {
        categories: [
          { name: "heart", version: 1 },
          { name: "heart", version: 2 },
        ],
      },
      "categories",
    ],
    [
      "a sliding window finer than a millisecond",
      { window: { case: "capturedInLast", value: { seconds: 9n, nanos: 1_000_001 } } },
      "captured_in_last",
    ],
  ])("%s", (_, change, field) => {
    expect(refusedProvision({ ...reading, ...change })).toEqual(invalid(field));
  });

  it("no direction at all", () => {
    const none = { ...contributing, directions: [] };
    expect(refusedProvision(none)).toEqual(invalid("directions"));
  });

  it("contributing with a purpose, or coarser than raw", () => {
    expect(refusedProvision({ ...contributing, purposes: [Purpose.TREATMENT] })).toEqual(invalid("purposes"));
    expect(refusedProvision({ ...contributing, resolution: Resolution.HOURLY })).toEqual(
      invalid("resolution"),
    );
    expect(refusedProvision({ ...contributing, resolution: Resolution.RAW })).toEqual([]);
  });

  it("a denial that seems narrower than it is", () => {
    expect(refusedProvision({ ...denial, resolution: Resolution.RAW })).toEqual(invalid("resolution"));
    expect(refusedProvision({ ...denial, regions: ["eu"] })).toEqual(invalid("regions"));
    const standing = { case: "capturedWithin", value: { startTime: timestampFromMs(1) } };
    expect(refusedProvision({ ...denial, window: standing })).toEqual([]);
  });

  it("what is de-identified and not read as it was recorded, or not read alone", () => {
    const deIdentification = DeIdentification.SAFE_HARBOR;
    const raw = { ...reading, resolution: Resolution.RAW, deIdentification };
    expect(takenProvision(raw)).toMatchObject({ deIdentification: "safe_harbor", resolution: "raw" });
    expect(refusedProvision({ ...raw, resolution: Resolution.DAILY })).toEqual(invalid("resolution"));
    expect(refusedProvision({ ...contributing, deIdentification })).toEqual(invalid("de_identification"));
    expect(refusedProvision({ ...denial, deIdentification })).toEqual(invalid("de_identification"));
    const both = [Direction.READ, Direction.CONTRIBUTE];
    expect(refusedProvision({ ...raw, directions: both })).toEqual(invalid("de_identification"));
    expect(refusedProvision({ ...raw, deIdentification: 7 })).toEqual(invalid("de_identification"));
  });

  it("a mask where nothing is read, where something is sent, too, or where no name is told anyway", () => {
    const masks = [Mask.PERFORMER, Mask.NOTES, Mask.NOTES];
    const raw = { ...reading, resolution: Resolution.RAW, masks: [Mask.NOTES, Mask.DEVICE] };
    expect(takenProvision(raw)).toMatchObject({ masks: ["device", "notes"] });
    expect(takenProvision({ ...reading, masks })).toMatchObject({ masks: ["notes", "performer"] });
    expect(takenProvision(reading)).not.toHaveProperty("masks");
    expect(refusedProvision({ ...contributing, masks })).toEqual(invalid("masks"));
    expect(refusedProvision({ ...denial, masks })).toEqual(invalid("masks"));
    const both = [Direction.READ, Direction.CONTRIBUTE];
    expect(refusedProvision({ ...reading, masks, directions: both })).toEqual(invalid("masks"));
    const nameless = { resolution: Resolution.RAW, deIdentification: DeIdentification.SAFE_HARBOR };
    expect(refusedProvision({ ...reading, masks, ...nameless })).toEqual(invalid("masks"));
    expect(refusedProvision({ ...reading, masks: [0 as Mask] })).toEqual(invalid("masks"));
  });

  it("no way in which data comes about, or one that nothing is of", () => {
    const from = (...methods: CaptureMethod[]) => ({ ...reading, sources: { methods } });
    const { SELF_REPORTED, SENSED, UNSPECIFIED } = CaptureMethod;
    expect(takenProvision(from(SELF_REPORTED, SENSED, SENSED))).toMatchObject({
      sources: { organizations: [], methods: ["sensed", "self_reported"] },
    });
    expect(refusedProvision(from())).toEqual(invalid("sources.organizations"));
    expect(refusedProvision(from(SENSED, UNSPECIFIED))).toEqual(invalid("sources.methods"));
    expect(refusedProvision(from(9 as CaptureMethod))).toEqual(invalid("sources.methods"));
    const both = { ...from(SENSED), directions: [Direction.READ, Direction.CONTRIBUTE] };
    expect(refusedProvision(both)).toEqual(invalid("sources"));
  });

  it("whatever is not enforced yet, by that reason", () => {
    const hourly = { ...reading, resolution: Resolution.HOURLY, masks: [Mask.DEVICE] };
    expect(refusedProvision(hourly)).toEqual(notYet("masks"));
    expect(refusedProvision({ ...reading, resolution: Resolution.COUNT_ONLY })).toEqual(notYet("resolution"));
    const sliding = { case: "capturedInLast", value: { seconds: 60n } };
    expect(refusedProvision({ ...denial, window: sliding })).toEqual(notYet("captured_in_last"));
  });

  it("all at once, and the message says the first and how many more there are", () => {
    const ask = (change: object) => () => taken(change);
    const wrong = { ...reading, effect: 0, purposes: [] };
    const first = "consent.provisions[0].effect: is neither EFFECT_PERMIT nor EFFECT_DENY";
    expect(ask({ provisions: [{ ...reading, effect: 0 }] })).toThrow(
      expect.objectContaining({ name: "ConsentError", message: first }),
    );
    expect(ask({ provisions: [wrong] })).toThrow(
      expect.objectContaining({ message: `${first} (and 1 more)` }),
    );
    const second = messageOf({ provisions: [reading, wrong] });
    expect(refused(second)).toEqual(invalid("provisions[1].effect", "provisions[1].purposes"));
  });
});

describe("fields that are not known", () => {
  const unknown = (...numbers: number[]) =>
    numbers.map((no) => ({ no, wireType: 0, data: new Uint8Array([1]) }));
  const told = (message: ConsentMessage | undefined) => {
    try {
      refuseUnknownFields(ConsentSchema, message, "consent");
    } catch (error) {
      expect(error).toMatchObject({ name: "ConsentError", code: "invalid" });
      return (error as ConsentError).problem.violations!.map(({ field, reason, description }) => {
        return [field, reason, /has field ([\d, ]+),/.exec(description)![1]];
      });
    }
    return [];
  };

  it("are none in what is known, nor where nothing is asked", () => {
    expect(told(undefined)).toEqual([]);
    expect(told(messageOf({ validity: { endTime: timestampFromMs(1) } }))).toEqual([]);
  });

  it("are told by place and number, each number once, in the consent and in all that it holds", () => {
    const message = messageOf({ provisions: [reading, denial], validity: {} });
    message.$unknown = unknown(77, 77, 78);
    message.validity!.$unknown = unknown(9);
    message.provisions[1]!.$unknown = unknown(10);
    message.provisions[1]!.categories[0]!.$unknown = unknown(11);
    expect(told(message)).toEqual([
      ["consent", "INVALID_FIELD", "77, 78"],
      ["consent.provisions[1]", "INVALID_FIELD", "10"],
      ["consent.provisions[1].categories[0]", "INVALID_FIELD", "11"],
      ["consent.validity", "INVALID_FIELD", "9"],
    ]);
  });
});

describe("what tells two requests of one request_id apart", () => {
  it("is all that is asked for, and nothing that only answers say", () => {
    const validity = { endTime: timestampFromMs(now) };
    const asked = requestedContent(messageOf({ validity }));
    const answered = {
      validity,
      id: "con_1",
      patient: "pat_1",
      state: Consent_State.ACTIVE,
      version: 1,
      etag: "e",
    };
    expect(requestedContent(messageOf(answered))).toEqual(asked);
    expect(Object.keys(asked as object).sort()).toEqual(["grantee", "notice", "provisions", "validity"]);
    for (const change of [
      { grantee: "org_maker" },
      { provisions: [reading, denial] },
      { validity: { endTime: timestampFromMs(now + 1) } },
      { validity: undefined },
      { notice: undefined },
    ]) {
      expect(requestedContent(messageOf({ validity, ...change }))).not.toEqual(asked);
    }
    expect(requestedContent(undefined)).toEqual({});
  });
});
