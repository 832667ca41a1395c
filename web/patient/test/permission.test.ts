import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Consent,
  Consent_State,
  ConsentSchema,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import { byCategory, endingSoon, permissionsOf, readCategories } from "../app/sharing/permission.ts";

const day = 86_400;

type Init = Exclude<MessageInitShape<typeof ConsentSchema>, Consent>;

function consent(more: Init): Consent {
  const usual: Init = {
    grantee: "org_clinic",
    state: Consent_State.ACTIVE,
    createTime: { seconds: 1_000n, nanos: 0 },
  };
  return create(ConsentSchema, { ...usual, ...more } as Init);
}

const permit = (categories: readonly string[], direction = Direction.READ) => ({
  effect: Provision_Effect.PERMIT,
  directions: [direction],
  categories: categories.map((name) => ({ name })),
  purposes: direction === Direction.READ ? [Purpose.TREATMENT] : [],
  resolution: Resolution.RAW,
});
const deny = (categories: readonly string[], more: object = {}) => ({
  ...permit(categories),
  effect: Provision_Effect.DENY,
  purposes: [],
  resolution: Resolution.UNSPECIFIED,
  ...more,
});

describe("what an organization may see", () => {
  test("is what all of its consents in force permit, each kind once", () => {
    const [permission] = permissionsOf([
      consent({ provisions: [permit(["heart", "sleep"])] }),
      consent({ provisions: [permit(["heart"]), permit(["body"], Direction.CONTRIBUTE)] }),
      consent({ state: Consent_State.REVOKED, provisions: [permit(["glucose"])] }),
    ]);
    expect(readCategories(permission!)).toEqual(["heart", "sleep"]);
    expect(permission!.contributes).toEqual(["body"]);
  });

  test("is nothing of a kind that another consent denies it", () => {
    const [permission] = permissionsOf([
      consent({ provisions: [permit(["heart", "sleep"])] }),
      consent({ provisions: [deny(["sleep"])] }),
    ]);
    expect(readCategories(permission!)).toEqual(["heart"]);
    expect(permission!.denied).toEqual(["sleep"]);
  });

  test("stays where only a purpose or a time is denied, and that something is denied is told", () => {
    const partly = [
      deny(["heart"], { purposes: [Purpose.RESEARCH] }),
      deny(["heart"], { window: { case: "capturedInLast", value: { seconds: BigInt(day) } } }),
    ];
    for (const provision of partly) {
      const [permission] = permissionsOf([consent({ provisions: [permit(["heart"]), provision] })]);
      expect(readCategories(permission!)).toEqual(["heart"]);
      expect(permission!.denied).toEqual(["heart"]);
    }
  });

  test("ends with the last of its consents, and not at all where one has no end", () => {
    const ends = (seconds: number) => ({ validity: { endTime: { seconds: BigInt(seconds) } } });
    const until = (all: readonly Consent[]) => permissionsOf(all)[0]!.until;
    expect(until([consent(ends(10)), consent(ends(20))])).toBe(20_000);
    expect(until([consent(ends(10)), consent({})])).toBeUndefined();
  });
});

test("who may read comes before who only sends, and a kind that more may read before others", () => {
  const permissions = permissionsOf([
    consent({ grantee: "org_maker", provisions: [permit(["heart"], Direction.CONTRIBUTE)] }),
    consent({ provisions: [permit(["heart", "sleep"])] }),
    consent({ grantee: "org_study", provisions: [permit(["heart"])] }),
  ]);
  expect(permissions.map(({ organization }) => organization).at(-1)).toBe("org_maker");
  expect(
    byCategory(permissions).map(({ category, organizations }) => [category, organizations.length]),
  ).toEqual([
    ["heart", 2],
    ["sleep", 1],
  ]);
});

test("what ends within 30 days ends soon, what has ended does not", () => {
  const now = 100 * day * 1_000;
  const ending = (grantee: string, days: number) =>
    consent({ grantee, validity: { endTime: { seconds: BigInt((100 + days) * day) } } });
  const all = permissionsOf([
    ending("org_a", 30),
    ending("org_b", 31),
    ending("org_c", 2),
    ending("org_d", -1),
  ]);
  expect(endingSoon(all, now).map(({ organization }) => organization)).toEqual(["org_c", "org_a"]);
});
