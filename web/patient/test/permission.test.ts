import { create } from "@bufbuild/protobuf";
import {
  type Consent,
  Consent_State,
  Mask,
  type SourceSelector,
  SourceSelectorSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { CaptureMethod, Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import { byCategory, endingSoon, permissionsOf, readCategories } from "../app/sharing/permission.ts";
import { consent, deny, permit } from "./consents.ts";

const day = 86_400;

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

  test("stays where only the data of some senders is denied, and is nothing where that is all that is permitted", () => {
    const sources = (...organizations: string[]) => create(SourceSelectorSchema, { organizations });
    const denied = deny(["heart"], { sources: sources("org_watch") });
    const [partly] = permissionsOf([consent({ provisions: [permit(["heart"]), denied] })]);
    expect(readCategories(partly!)).toEqual(["heart"]);
    expect(partly!.denied).toEqual(["heart"]);
    const fromWatch = { ...permit(["heart"]), sources: sources("org_watch") };
    const [nothing] = permissionsOf([consent({ provisions: [fromWatch, denied] })]);
    expect(readCategories(nothing!)).toEqual([]);
    const [watch] = permissionsOf([consent({ provisions: [fromWatch] })]);
    expect(watch!.reads[0]!.sources).toEqual([{ organization: "org_watch", deviceId: "" }]);
    const as = (...methods: CaptureMethod[]) => create(SourceSelectorSchema, { methods });
    const entered = deny(["heart"], { sources: as(CaptureMethod.SELF_REPORTED) });
    const kinds = (from: SourceSelector, denial: ReturnType<typeof deny>) =>
      readCategories(
        permissionsOf([consent({ provisions: [{ ...permit(["heart"]), sources: from }, denial] })])[0]!,
      );
    expect(kinds(as(CaptureMethod.SELF_REPORTED), entered)).toEqual([]);
    expect(kinds(as(CaptureMethod.SENSED, CaptureMethod.SELF_REPORTED), entered)).toEqual(["heart"]);
    expect(kinds(sources("org_watch"), entered)).toEqual(["heart"]);
    expect(kinds(as(CaptureMethod.SENSED), denied)).toEqual(["heart"]);
    const [masked] = permissionsOf([
      consent({ provisions: [{ ...permit(["heart"]), masks: [Mask.NOTES] }] }),
    ]);
    expect(masked!.reads[0]!.masks).toEqual([Mask.NOTES]);
  });

  const at = (seconds: number) => ({ seconds: BigInt(seconds) });
  const from = (seconds: number) => ({ startTime: at(seconds) });
  const until = (seconds: number) => ({ endTime: at(seconds) });
  const scheduled = { state: Consent_State.SCHEDULED };
  const permits = [permit(["sleep"]), permit(["sleep"], Direction.CONTRIBUTE)];
  const denies = [deny(["sleep"], { directions: [Direction.READ, Direction.CONTRIBUTE] })];

  test.each([
    ["has not begun", {}, { ...scheduled, validity: from(10) }],
    ["ends earlier", {}, { validity: until(10) }],
    ["ends before the permission does", { validity: until(20) }, { validity: until(10) }],
    ["begins later", { ...scheduled, validity: from(10) }, { ...scheduled, validity: from(20) }],
  ])("stays under a denial that %s, of which is told", (_what, permission, denial) => {
    const [found] = permissionsOf([
      consent({ ...permission, provisions: permits }),
      consent({ ...denial, provisions: denies }),
    ]);
    expect(readCategories(found!)).toEqual(["sleep"]);
    expect(found!.contributes).toEqual(["sleep"]);
    expect(found!.denied).toEqual(["sleep"]);
  });

  test.each([
    ["of another consent that begins with it", from(10), { ...scheduled, validity: from(10) }],
    ["that has begun", from(10), {}],
    ["that ends with it", until(20), { validity: until(20) }],
  ])("is nothing under a denial %s", (_what, validity, denial) => {
    const state = "startTime" in validity ? Consent_State.SCHEDULED : Consent_State.ACTIVE;
    const [found] = permissionsOf([
      consent({ state, validity, provisions: permits }),
      consent({ ...denial, provisions: denies }),
    ]);
    expect([...found!.reads, ...found!.contributes]).toEqual([]);
    expect(found!.denied).toEqual(["sleep"]);
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
