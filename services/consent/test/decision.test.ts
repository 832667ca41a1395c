import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Consent, type CurrentConsents, noConsents, type Terms, withRevoked } from "../src/consent.ts";
import { decide, type Question } from "../src/decision.ts";

const terms: Terms = {
  grantee: "org_clinic",
  direction: "read",
  categories: [{ name: "heart", version: 1 }],
  purposes: ["treatment"],
  resolution: "hourly",
  window: {},
  validity: {},
  regions: [],
};
const question: Question = {
  partition: "local/pat_1",
  organization: "org_clinic",
  direction: "read",
  code: "8867-4",
  purpose: "treatment",
  region: "local",
};
const now = 1_000_000;
const inCategory = (code: string, category: string, version: number) =>
  code === "8867-4" && category === "heart" && version <= 2;

const consentOf = (change: Partial<Terms> = {}, id = "con_1"): Consent => {
  return { id, terms: { ...terms, ...change }, version: 1, createTime: 0 };
};
const currentOf = (...consents: Consent[]): CurrentConsents => ({ ...noConsents, consents });
const ask = (current: CurrentConsents, change: Partial<Question> = {}) =>
  decide(current, { ...question, ...change }, now, inCategory);
const denied = (reason: string) => ({ permitted: false, reason });

describe("a decision", () => {
  it("grants what a consent covers, with the consent and its version", () => {
    const consent = consentOf();
    expect(ask(currentOf(consent))).toEqual({ permitted: true, grants: [consent] });
  });

  it("grants by each consent that covers the question, also one that is yet to begin", () => {
    const later = consentOf({ validity: { start: now + 1 } }, "con_2");
    const other = consentOf({ purposes: ["research"] }, "con_3");
    expect(ask(currentOf(consentOf(), later, other))).toMatchObject({
      permitted: true,
      grants: [{ id: "con_1" }, { id: "con_2" }],
    });
  });

  it.each([
    ["no consent at all", noConsents, {}, "no_consent"],
    ["another organization's", currentOf(consentOf()), { organization: "org_other" }, "no_consent"],
    ["the other direction", currentOf(consentOf()), { direction: "contribute" as const }, "no_consent"],
    ["an unknown direction", currentOf(consentOf()), { direction: undefined }, "no_consent"],
    ["a revoked one", withRevoked(currentOf(consentOf()), new Set(["con_1"])), {}, "revoked"],
    ["one that has just ended", currentOf(consentOf({ validity: { end: now } })), {}, "expired"],
    ["a code outside", currentOf(consentOf()), { code: "55423-8" }, "category"],
    [
      "a version that is not known",
      currentOf(consentOf({ categories: [{ name: "heart", version: 3 }] })),
      {},
      "category",
    ],
    ["another purpose", currentOf(consentOf()), { purpose: "research" as const }, "purpose"],
    ["an unknown purpose", currentOf(consentOf()), { purpose: undefined }, "purpose"],
    ["a region away from home", currentOf(consentOf()), { region: "eu" }, "region"],
    ["home, where only others are named", currentOf(consentOf({ regions: ["eu"] })), {}, "region"],
    ["no region", currentOf(consentOf()), { region: "" }, "region"],
    [
      "a resolution of a newer release",
      currentOf(consentOf({ resolution: "weekly" as never })),
      {},
      "no_consent",
    ],
  ])("denies for %s", (_, current, change, reason) => {
    expect(ask(current, change)).toEqual(denied(reason));
  });

  it("names what the best consent lacks", () => {
    const ended = consentOf({ validity: { end: now } });
    const research = consentOf({ purposes: ["research"] }, "con_2");
    const abroad = consentOf({ regions: ["eu"] }, "con_3");
    expect(ask(currentOf(ended, research))).toEqual(denied("purpose"));
    expect(ask(currentOf(ended, research, abroad))).toEqual(denied("region"));
  });

  it("needs no purpose for contributing, and stores at home whatever regions may receive it", () => {
    const contributing = currentOf(consentOf({ direction: "contribute", purposes: [], regions: ["eu"] }));
    const asked = { direction: "contribute", purpose: undefined } as const;
    expect(ask(contributing, asked)).toMatchObject({ permitted: true });
    expect(ask(contributing, { ...asked, region: "eu" })).toEqual(denied("region"));
  });

  it("never changes because of consents to others, and never permits by one of them", () => {
    const others = fc.array(
      fc.record({
        grantee: fc.constantFrom("org_other", "org_clinic "),
        direction: fc.constantFrom("read", "contribute"),
        purposes: fc.subarray(["treatment", "research"]),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(others, fc.boolean(), (changes, has) => {
        const strangers = changes.map((change, i) => consentOf(change as Partial<Terms>, `con_x${i}`));
        const own = has ? [consentOf()] : [];
        expect(ask(currentOf(...strangers, ...own, ...strangers))).toEqual(ask(currentOf(...own)));
      }),
      { numRuns: 100 },
    );
  });
});
