import { describe, expect, it } from "vitest";
import {
  type Consent,
  type CurrentConsents,
  categoryNames,
  denies,
  hasEnded,
  homeRegionOf,
  isHidden,
  lackOfRoom,
  mostConsents,
  mostDenials,
  mostProvisions,
  noConsents,
  type Provision,
  patientOf,
  revoked,
  scopeOfEverybody,
  scopeOfGrant,
  scopeOfRevocation,
  stateOf,
  withCreated,
  withRevoked,
} from "../src/consent.ts";
import { consentOf, currentOf, denial, permission } from "./terms.ts";

const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const contribution: Provision = { ...permission, directions: ["contribute"], purposes: [] };

describe("the state of a consent", () => {
  const during = (start?: number, end?: number) =>
    consentOf([permission], {
      validity: { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) },
    });

  it("follows from its validity, which is half-open", () => {
    const consent = during(10, 20);
    expect([9, 10, 19, 20, 21].map((now) => stateOf(consent, now))).toEqual([
      "scheduled",
      "active",
      "active",
      "expired",
      "expired",
    ]);
    expect([0, 10, 1e15].map((now) => stateOf(during(), now))).toEqual(["active", "active", "active"]);
    expect(hasEnded({}, 1e15)).toBe(false);
    expect([19, 20].map((now) => hasEnded({ end: 20 }, now))).toEqual([false, true]);
  });

  it("is revoked for ever once it was revoked, whatever its validity says", () => {
    const consent = revoked(during(10, 20), 0);
    expect(consent).toEqual({ ...during(10, 20), version: 2, revokeTime: 0 });
    expect([5, 15, 25].map((now) => stateOf(consent, now))).toEqual(["revoked", "revoked", "revoked"]);
  });
});

describe("what a consent is about", () => {
  const { terms } = consentOf([
    { ...permission, categories: ["heart", "sleep"].map((name) => ({ name, version: 1 })) },
    { ...denial, categories: ["heart", "body"].map((name) => ({ name, version: 2 })) },
  ]);

  it("is each category that it names, once", () => {
    expect(categoryNames(terms)).toEqual(["heart", "sleep", "body"]);
  });

  it("is hidden from whoever does not see one of them", () => {
    expect(isHidden(terms, ["glucose", "sleep"])).toBe(true);
    expect(isHidden(terms, ["glucose"])).toBe(false);
    expect(isHidden(terms, [])).toBe(false);
    expect(isHidden(terms, undefined)).toBe(false);
  });
});

describe("room for another consent", () => {
  const filled = (consents: Consent[]): CurrentConsents => currentOf(...consents);
  const terms = consentOf([permission]).terms;

  it("is there for a thousand consents", () => {
    const one = consentOf([permission], { grantee: "org_other" });
    expect(lackOfRoom(filled(many(mostConsents - 1, one)), terms)).toBeUndefined();
    expect(lackOfRoom(filled(many(mostConsents, one)), terms)).toMatch(/1,000 consents/);
  });

  it("is there for two thousand provisions of all of them", () => {
    const half = consentOf(many(mostProvisions / 2, permission), { grantee: "org_other" });
    const rest = consentOf(many(mostProvisions / 2 - 1, permission), { grantee: "org_other" });
    expect(lackOfRoom(filled([half, rest]), terms)).toBeUndefined();
    expect(lackOfRoom(filled([half, half]), terms)).toMatch(/2,000 provisions/);
  });

  it("is there for 32 denials towards one organization", () => {
    const denying = consentOf([denial]).terms;
    const most = consentOf(many(mostDenials - 1, denial));
    expect(lackOfRoom(filled([most]), denying)).toBeUndefined();
    expect(lackOfRoom(filled([most, consentOf([denial])]), denying)).toMatch(/32 provisions/);
    // Neither permissions nor what is denied to others takes of that room.
    const others = consentOf(many(mostDenials, denial), { grantee: "org_other" });
    expect(lackOfRoom(filled([most, others, consentOf(many(40, permission))]), denying)).toBeUndefined();
  });
});

describe("what a change means for those who enforce", () => {
  it("is told of a grant: whether it takes anything away, and from whom", () => {
    expect(scopeOfGrant(consentOf([permission, contribution]).terms)).toEqual({
      onlyWidens: true,
      grantees: ["org_clinic"],
    });
    expect(scopeOfGrant(consentOf([permission, denial]).terms)).toEqual({
      onlyWidens: false,
      grantees: ["org_clinic"],
    });
    expect(denies(consentOf([permission]).terms)).toBe(false);
    expect(denies(consentOf([permission, denial]).terms)).toBe(true);
    // An effect that is not known may take anything away.
    expect(denies(consentOf([{ ...permission, effect: "perhaps" as never }]).terms)).toBe(true);
  });

  it("is told of a revocation for each organization once, and of an erasure for everybody", () => {
    const [a, b] = [consentOf([permission]), consentOf([denial], { grantee: "org_other" })];
    expect(scopeOfRevocation([a, b, a])).toEqual({
      onlyWidens: false,
      grantees: ["org_clinic", "org_other"],
    });
    expect(scopeOfEverybody).toEqual({ onlyWidens: false, grantees: [] });
  });
});

describe("a patient's current consents", () => {
  const reading = consentOf([permission], {}, "con_read");
  const both = consentOf([{ ...permission, directions: ["read", "contribute"] }], {}, "con_both");
  const denying = consentOf([denial], { grantee: "org_other" }, "con_deny");

  it("hold what is given, after what was given before", () => {
    const closed = { ...currentOf(reading), closed: true };
    expect(withCreated(closed, both)).toEqual({ ...closed, consents: [reading, both] });
  });

  it("lose what is revoked, and remember who had it, in which direction, once", () => {
    const before = { ...currentOf(reading, both, denying), closed: true };
    const once = withRevoked(before, new Set(["con_read"]));
    const read = { grantee: "org_clinic", direction: "read" };
    expect(once).toEqual({ consents: [both, denying], revoked: [read], closed: true });
    const twice = withRevoked(once, new Set(["con_both", "con_deny"]));
    expect(twice.consents).toEqual([]);
    // Who had a denial had nothing.
    expect(twice.revoked).toEqual([read, { grantee: "org_clinic", direction: "contribute" }]);
    expect(withRevoked(before, new Set(["con_unknown"]))).toEqual(before);
  });

  it("are none to begin with", () => {
    expect(noConsents).toEqual({ consents: [], revoked: [], closed: false });
  });
});

it("a partition is the patient's home region and their id", () => {
  expect(homeRegionOf("eu/pat_1")).toBe("eu");
  expect(patientOf("eu/pat_1")).toBe("pat_1");
  expect(homeRegionOf("pat_1")).toBe("");
  expect(homeRegionOf("/pat_1")).toBe("");
});
