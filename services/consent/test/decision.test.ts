import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Consent,
  type CurrentConsents,
  noConsents,
  type Provision,
  type Terms,
  withRevoked,
} from "../src/consent.ts";
import { decide, deniedUntil, type Question } from "../src/decision.ts";
import type { SourceDevice } from "../src/sources.ts";
import { categories, consentOf, currentOf, denial, permission, steps } from "./terms.ts";

const question: Question = {
  partition: "local/pat_1",
  organization: "org_clinic",
  direction: "read",
  code: "8867-4",
  purpose: "treatment",
  region: "local",
};
const now = 1_000_000;

/** A consent of one provision. */
const one = (change: Partial<Provision> = {}, terms: Partial<Terms> = {}, id = "con_1") =>
  consentOf([{ ...permission, ...change }], terms, id);
const ask = (current: CurrentConsents, change: Partial<Question> = {}) =>
  decide(current, { ...question, ...change }, now, categories);
const denied = (reason: string) => ({ permitted: false, reason });

describe("a decision", () => {
  it("grants what a provision permits, with the consent, its version and the provision's place", () => {
    const consent = consentOf([{ ...permission, purposes: ["research"] }, permission]);
    expect(ask(currentOf({ ...consent, version: 3 }))).toEqual({
      permitted: true,
      permits: [
        { consent: "con_1", version: 3, provision: 1, resolution: "hourly", captured: {}, validity: {} },
      ],
    });
  });

  it("grants by each provision that covers the question, also of a consent that is yet to begin", () => {
    const later = one({}, { validity: { start: now + 1 } }, "con_2");
    const other = one({ purposes: ["research"] }, {}, "con_3");
    const both = consentOf([permission, { ...permission, resolution: "raw" }]);
    expect(ask(currentOf(both, later, other))).toMatchObject({
      permitted: true,
      permits: [
        { consent: "con_1", provision: 0, resolution: "hourly" },
        { consent: "con_1", provision: 1, resolution: "raw" },
        { consent: "con_2", validity: { start: now + 1 } },
      ],
    });
  });

  it("says which permits are for de-identified exports alone, also of what a newer release calls it", () => {
    const named = one({}, {}, "con_2");
    for (const word of ["safe_harbor", "newer"] as const) {
      const without = one({ deIdentification: word as "safe_harbor" });
      const decision = ask(currentOf(without, named));
      expect(
        decision.permitted && decision.permits.map(({ consent, deIdentified }) => [consent, deIdentified]),
      ).toEqual([
        ["con_1", true],
        ["con_2", undefined],
      ]);
    }
  });

  it("covers what any of its categories holds", () => {
    const both = [
      { name: "sleep", version: 1 },
      { name: "heart", version: 1 },
    ];
    expect(ask(currentOf(one({ categories: both })))).toMatchObject({ permitted: true });
  });

  it("lets one provision contribute and read: as recorded in, and as coarse as it says out", () => {
    const both = currentOf(one({ directions: ["contribute", "read"] }));
    expect(ask(both)).toMatchObject({ permits: [{ resolution: "hourly" }] });
    expect(ask(both, { direction: "contribute", purpose: undefined })).toMatchObject({
      permits: [{ resolution: "raw" }],
    });
  });

  it.each([
    ["no consent at all", noConsents, {}, "no_consent"],
    ["another organization's", currentOf(one()), { organization: "org_other" }, "no_consent"],
    ["the other direction", currentOf(one()), { direction: "contribute" as const }, "no_consent"],
    ["an unknown direction", currentOf(one()), { direction: undefined }, "no_consent"],
    ["nothing but a denial", currentOf(consentOf([denial])), {}, "no_consent"],
    ["a revoked one", withRevoked(currentOf(one()), new Set(["con_1"])), {}, "revoked"],
    [
      "another organization's revoked one",
      withRevoked(currentOf(one({}, { grantee: "org_other" })), new Set(["con_1"])),
      {},
      "no_consent",
    ],
    [
      "a revoked one of the other direction",
      withRevoked(currentOf(one()), new Set(["con_1"])),
      { direction: "contribute" as const },
      "no_consent",
    ],
    ["a patient without a home", currentOf(one()), { partition: "pat_1", region: "" }, "region"],
    ["a patient whose home has no name", currentOf(one()), { partition: "/pat_1", region: "" }, "region"],
    ["a revoked denial", withRevoked(currentOf(consentOf([denial])), new Set(["con_1"])), {}, "no_consent"],
    ["one that has just ended", currentOf(one({}, { validity: { end: now } })), {}, "expired"],
    ["a code outside", currentOf(one()), { code: steps }, "category"],
    [
      "a version that is not known",
      currentOf(one({ categories: [{ name: "heart", version: 3 }] })),
      {},
      "category",
    ],
    ["another purpose", currentOf(one()), { purpose: "research" as const }, "purpose"],
    ["an unknown purpose", currentOf(one()), { purpose: undefined }, "purpose"],
    ["a region away from home", currentOf(one()), { region: "eu" }, "region"],
    ["home, where only others are named", currentOf(one({ regions: ["eu"] })), {}, "region"],
    ["no region", currentOf(one()), { region: "" }, "region"],
    [
      "no region, also where one without a name is permitted",
      currentOf(one({ regions: [""] })),
      { region: "" },
      "region",
    ],
    [
      "a permitted region, of a patient without a home",
      currentOf(one({ regions: ["eu"] })),
      { partition: "pat_1", region: "eu" },
      "region",
    ],
    ["what is denied", currentOf(one(), consentOf([denial], {}, "con_2")), {}, "denied"],
    ["a frozen record", { ...currentOf(one()), freeze: { time: 1, changes: 1 } }, {}, "frozen"],
    [
      "what has come to be denied",
      currentOf(one(), consentOf([denial], { validity: { start: now - 10 } }, "con_2")),
      {},
      "denied",
    ],
    [
      "a resolution of a newer release",
      currentOf(one({ resolution: "weekly" as never })),
      {},
      "not_understood",
    ],
    [
      "contributing by a provision of such a resolution",
      currentOf(one({ directions: ["contribute", "read"], resolution: "weekly" as never })),
      { direction: "contribute" as const },
      "not_understood",
    ],
  ])("denies for %s", (_, current, change, reason) => {
    expect(ask(current, change)).toEqual(denied(reason));
  });

  it("lets a provision contribute that says nothing of a resolution, which is for readers", () => {
    const { resolution: _, ...silent } = permission;
    const current = currentOf(consentOf([{ ...silent, directions: ["contribute"] }]));
    expect(ask(current, { direction: "contribute" })).toMatchObject({ permits: [{ resolution: "raw" }] });
  });

  it("names what the best permission lacks", () => {
    const ended = one({}, { validity: { end: now } });
    const research = one({ purposes: ["research"] }, {}, "con_2");
    const abroad = one({ regions: ["eu"] }, {}, "con_3");
    expect(ask(currentOf(ended, research))).toEqual(denied("purpose"));
    expect(ask(currentOf(ended, research, abroad))).toEqual(denied("region"));
  });

  it("needs no purpose for contributing, and stores at home whatever regions may receive it", () => {
    const contributing = currentOf(one({ directions: ["contribute"], purposes: [], regions: ["eu"] }));
    const asked = { direction: "contribute", purpose: undefined } as const;
    expect(ask(contributing, asked)).toMatchObject({ permitted: true });
    expect(ask(contributing, { ...asked, region: "eu" })).toEqual(denied("region"));
  });

  it("never changes because of consents to others, and never permits by one of them", () => {
    const others = fc.array(
      fc.record({
        grantee: fc.constantFrom("org_other", "org_clinic "),
        effect: fc.constantFrom("permit", "deny"),
        purposes: fc.subarray(["treatment", "research"]),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(others, fc.boolean(), (changes, has) => {
        const strangers = changes.map(({ grantee, effect, purposes }, i) =>
          consentOf(
            [{ ...(effect === "deny" ? denial : permission), purposes: purposes as Provision["purposes"] }],
            { grantee },
            `con_x${i}`,
          ),
        );
        const own = has ? [one()] : [];
        expect(ask(currentOf(...strangers, ...own, ...strangers))).toEqual(ask(currentOf(...own)));
      }),
      { numRuns: 100 },
    );
  });
});

describe("a no, where nobody changes anything,", () => {
  const moment = fc.option(fc.integer({ min: now - 20, max: now + 20 }), { nil: undefined });
  const consents = fc.array(
    fc.record({
      grantee: fc.constantFrom("org_clinic", "org_other"),
      provision: fc.constantFrom(permission, denial, { ...permission, purposes: ["research"] } as Provision),
      start: moment,
      end: moment,
    }),
    { maxLength: 4 },
  );
  const current = (stored: typeof consents extends fc.Arbitrary<infer T> ? T : never) =>
    currentOf(
      ...stored.map(({ grantee, provision, start, end }, i) =>
        consentOf(
          [provision],
          { grantee, validity: { ...(start !== undefined && { start }), ...(end !== undefined && { end }) } },
          `con_${i}`,
        ),
      ),
    );

  it("stays the same no until the time that is told with it", () => {
    fc.assert(
      fc.property(consents, fc.option(fc.integer({ min: now - 5, max: now + 20 })), (stored, expireTime) => {
        const open = [
          { id: "emg_1", organization: "org_clinic", clinician: "usr_1", expireTime: expireTime! },
        ];
        const emergency = { open: expireTime === null ? [] : open, refusals: 0 };
        const held = { ...current(stored), emergency };
        const urgent: Question = { ...question, purpose: "emergency", person: "usr_1" };
        for (const asked of [question, urgent]) {
          const decision = decide(held, asked, now, categories);
          if (decision.permitted) continue;
          const until = deniedUntil(held, "org_clinic", decision.reason, now)!;
          expect(until).toBeGreaterThan(now);
          for (let time = now; time < Math.min(until, now + 30); time++)
            expect(decide(held, asked, time, categories)).toEqual(decision);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is another one once a consent has ended, and is kept for ten minutes at most", () => {
    const research = one({ purposes: ["research"] }, { validity: { end: now + 7 } });
    expect(ask(currentOf(research))).toEqual(denied("purpose"));
    expect(deniedUntil(currentOf(research), "org_clinic", "purpose", now)).toBe(now + 7);
    expect(deniedUntil(currentOf(research), "org_other", "no_consent", now)).toBe(now + 600_000);
  });

  it("is not kept where it only means that the consents are not understood", () => {
    expect(deniedUntil(currentOf(one()), "org_clinic", "not_understood", now)).toBeUndefined();
  });
});

describe("a denial", () => {
  it("leaves the rest of a window in as few parts as there are, whatever consent it stands in", () => {
    const from = (start: number, end: number) =>
      consentOf([{ ...denial, captured: { start, end } }], {}, "con_2");
    const permitsOf = (...consents: Consent[]) => {
      const decision = ask(currentOf(...consents));
      return decision.permitted
        ? decision.permits.map(({ consent, captured }) => ({ consent, captured }))
        : [];
    };
    expect(permitsOf(one(), from(10, 20))).toEqual([
      { consent: "con_1", captured: { end: 10 } },
      { consent: "con_1", captured: { start: 20 } },
    ]);
    expect(permitsOf(one({ captured: { start: 5, end: 15 } }), from(10, 20))).toEqual([
      { consent: "con_1", captured: { start: 5, end: 10 } },
    ]);
    expect(permitsOf(one({ captured: { start: 12, end: 15 } }), from(10, 20))).toEqual([]);
    const later = consentOf(
      [{ ...denial, captured: { start: 10, end: 20 } }],
      { validity: { start: now + 1 } },
      "con_2",
    );
    expect(permitsOf(one({ captured: { start: 5, end: 8 } }), later)).toEqual([
      { consent: "con_1", captured: { start: 5, end: 8 } },
    ]);
    expect(permitsOf(one({ captured: { start: 20, end: 30 } }), from(10, 20))).toEqual([
      { consent: "con_1", captured: { start: 20, end: 30 } },
    ]);
  });

  it("holds while its own consent is in force, and what it does not touch is permitted all the time", () => {
    const between = { start: now + 10, end: now + 20 };
    const scheduled = consentOf([{ ...denial, captured: { end: 100 } }], { validity: between }, "con_2");
    expect(ask(currentOf(one(), scheduled))).toMatchObject({
      permits: [
        { captured: {}, validity: { end: now + 10 } },
        { captured: {}, validity: { start: now + 20 } },
        { captured: { start: 100 }, validity: {} },
      ],
    });
    const over = consentOf([denial], { validity: { end: now } }, "con_2");
    expect(ask(currentOf(one(), over))).toEqual(ask(currentOf(one())));
  });

  it("is for all purposes where it names none, and cuts a sliding window, too", () => {
    const research = consentOf([{ ...denial, purposes: ["research"] }], {}, "con_2");
    expect(ask(currentOf(one(), research))).toMatchObject({ permitted: true });
    const last = one({ captured: { lastMs: 500 } });
    const old = consentOf([{ ...denial, captured: { end: 100 } }], {}, "con_2");
    expect(ask(currentOf(last, old))).toMatchObject({ permits: [{ captured: { start: 100, lastMs: 500 } }] });
  });
});

const dial = { organization: "org_watch", device: "dev_dial" };

describe("a provision about the data of some contributors", () => {
  const from = (...organizations: string[]) => ({ sources: { organizations } });
  const sourcesOf = (...consents: Consent[]) => {
    const decision = ask(currentOf(...consents));
    return decision.permitted
      ? decision.permits.map(({ consent, captured, sources }) => ({ consent, captured, sources }))
      : decision.reason;
  };

  it("permits their data alone, and what others permit stays whole", () => {
    const watch = { consent: "con_1", captured: {}, sources: { only: ["org_watch"] } };
    expect(sourcesOf(one(from("org_watch")))).toEqual([watch]);
    expect(sourcesOf(one(from("org_watch")), one({}, {}, "con_2"))).toEqual([
      { consent: "con_2", captured: {}, sources: undefined },
      watch,
    ]);
  });

  it("denies their data alone, or a part of it, or all that is permitted", () => {
    const not = (change: Partial<Provision>) => consentOf([{ ...denial, ...change }], {}, "con_2");
    expect(sourcesOf(one(), not(from("org_watch")))).toEqual([
      { consent: "con_1", captured: {}, sources: { except: ["org_watch"] } },
    ]);
    expect(sourcesOf(one(), not({ ...from("org_watch"), captured: { end: 9 } }))).toEqual([
      { consent: "con_1", captured: {}, sources: { except: ["org_watch"] } },
      { consent: "con_1", captured: { start: 9 }, sources: { only: ["org_watch"] } },
    ]);
    expect(sourcesOf(one(from("org_watch")), not(from("org_lab", "org_watch")))).toBe("denied");
  });

  it("is about devices by themselves, unless their organization is named", () => {
    const not = (change: Partial<Provision>) => consentOf([{ ...denial, ...change }], {}, "con_2");
    const of = (...devices: SourceDevice[]) => ({ sources: { organizations: [], devices } });
    const strap = { organization: "org_watch", device: "dev_strap" };
    const permitted = (sources: object) => [{ consent: "con_1", captured: {}, sources }];
    expect(sourcesOf(one(), not(of(dial)))).toEqual(permitted({ except: [], without: [dial] }));
    expect(sourcesOf(one(of(dial, strap)), not(of(dial)))).toEqual(permitted({ only: [], also: [strap] }));
    expect(sourcesOf(one(from("org_watch")), not(of(dial)))).toEqual(
      permitted({ only: ["org_watch"], without: [dial] }),
    );
    expect(sourcesOf(one(of(dial)), not(from("org_watch")))).toBe("denied");
    // Another organization's device of this name is another device.
    const strange = { organization: "org_lab", device: dial.device };
    expect(sourcesOf(one(from("org_watch")), not(of(strange)))).toEqual(permitted({ only: ["org_watch"] }));
  });

  it("denies in an emergency, too", () => {
    const emergency = {
      open: [{ id: "emg_1", organization: "org_clinic", clinician: "usr_1", expireTime: now + 1 }],
      refusals: 0,
    };
    const current = { ...currentOf(consentOf([{ ...denial, ...from("org_watch") }])), emergency };
    expect(ask(current, { purpose: "emergency", person: "usr_1" })).toMatchObject({
      permits: [{ consent: "emg_1", sources: { except: ["org_watch"] } }],
    });
  });
});

describe("a sliding window", () => {
  it("tells from where on it holds anything: so long before it begins, whether that is at once or later", () => {
    const last = { captured: { lastMs: 500 } };
    const given = { ...one(last), createTime: 900 };
    expect(ask(currentOf(given))).toMatchObject({ permits: [{ captured: { start: 400, lastMs: 500 } }] });
    const later = { ...one(last, { validity: { start: now + 100 } }), createTime: 900 };
    expect(ask(currentOf(later))).toMatchObject({ permits: [{ captured: { start: now - 400 } }] });
    const before = { ...one(last, { validity: { start: 10 } }), createTime: 900 };
    expect(ask(currentOf(before))).toMatchObject({ permits: [{ captured: { start: 400 } }] });
  });
});

describe("what is not known here", () => {
  const good = one({}, {}, "con_good");
  const unknown = (path: string, consent = "con_1") => ({
    permitted: false,
    reason: "not_understood",
    unknown: { consent, path },
  });
  const withProvision = (change: object) =>
    consentOf([permission, { ...permission, ...change } as Provision]);
  const withDenial = (change: object) => consentOf([{ ...denial, ...change } as Provision]);

  it.each<[string, Consent, string]>([
    ["an effect", withProvision({ effect: "suspend" }), "terms.provisions[1].effect"],
    ["a member of a provision", withProvision({ methods: ["sensed"] }), "terms.provisions[1].methods"],
    ["a mask", withProvision({ masks: ["notes", "place"] }), "terms.provisions[1].masks[1]"],
    [
      "a mask of hourly data",
      withProvision({ masks: ["device"], resolution: "hourly" }),
      "terms.provisions[1].masks[0]",
    ],
    ["a mask of a denial", withDenial({ masks: ["notes"] }), "terms.provisions[0].masks"],
    [
      "a mask of what is sent",
      withProvision({ masks: ["notes"], directions: ["read", "contribute"] }),
      "terms.provisions[1].masks",
    ],
    [
      "a member of a window",
      withProvision({ captured: { weekdays: 1 } }),
      "terms.provisions[1].captured.weekdays",
    ],
    [
      "a window that is none",
      withProvision({ captured: { start: "9" } }),
      "terms.provisions[1].captured.start",
    ],
    [
      "a member of a category",
      withProvision({ categories: [{ name: "heart", version: 1, without: "8867-4" }] }),
      "terms.provisions[1].categories[0].without",
    ],
    ["a provision that is none", consentOf([permission, null as never]), "terms.provisions[1]"],
    ["a list for a provision", consentOf([permission, [] as never]), "terms.provisions[1]"],
    [
      "a category that is none",
      withProvision({ categories: ["heart"] }),
      "terms.provisions[1].categories[0]",
    ],
    ["a validity that is none", one({}, { validity: null as never }), "terms.validity"],
    ["a window that is a list", withProvision({ captured: [] }), "terms.provisions[1].captured"],
    ["a purpose that is no word", withDenial({ purposes: [1] }), "terms.provisions[0].purposes[0]"],
    ["no provisions", consentOf(undefined as never), "terms.provisions"],
    ["a missing list", withProvision({ purposes: undefined }), "terms.provisions[1].purposes"],
    [
      "a member of the terms",
      { ...good, id: "con_1", terms: { ...good.terms, unless: 1 } } as Consent,
      "terms.unless",
    ],
    ["a member of the validity", one({}, { validity: { weekdays: 1 } as never }), "terms.validity.weekdays"],
    ["a member of a consent", { ...good, id: "con_1", paused: true } as Consent, "paused"],
    [
      "terms of an old shape",
      { ...good, id: "con_1", terms: { grantee: "org_clinic", direction: "read" } as never },
      "terms.direction",
    ],
    ["a direction of a denial", withDenial({ directions: ["erase"] }), "terms.provisions[0].directions[0]"],
    ["a purpose of a denial", withDenial({ purposes: ["marketing"] }), "terms.provisions[0].purposes[0]"],
    [
      "a category of a denial",
      withDenial({ categories: [{ name: "heart", version: 3 }] }),
      "terms.provisions[0].categories[0]",
    ],
    [
      "a sort of source",
      withProvision({ sources: { organizations: ["org_watch"], regions: ["eu"] } }),
      "terms.provisions[1].sources.regions",
    ],
    [
      "a way to come about",
      withProvision({ sources: { organizations: [], methods: ["sensed", "guessed"] } }),
      "terms.provisions[1].sources.methods[1]",
    ],
    [
      "none of the ways to come about",
      withProvision({ sources: { organizations: ["org_watch"], methods: [] } }),
      "terms.provisions[1].sources.methods",
    ],
    [
      "what is said of a device",
      withProvision({ sources: { organizations: [], devices: [{ ...dial, model: "x" }] } }),
      "terms.provisions[1].sources.devices[0].model",
    ],
    ["no source", withProvision({ sources: { organizations: [] } }), "terms.provisions[1].sources"],
    [
      "sources of contributing",
      withDenial({ directions: ["contribute"], sources: { organizations: ["org_watch"] } }),
      "terms.provisions[0].sources",
    ],
    ["a resolution of a denial", withDenial({ resolution: "raw" }), "terms.provisions[0].resolution"],
    ["a region of a denial", withDenial({ regions: ["eu"] }), "terms.provisions[0].regions"],
    ["a sliding denial", withDenial({ captured: { lastMs: 1 } }), "terms.provisions[0].captured.lastMs"],
  ])(
    "%s makes all consents of the organization permit nothing, and others' as before",
    (_, strange, path) => {
      expect(ask(currentOf(good, strange))).toEqual(unknown(path));
      const theirs = { ...strange, terms: { ...strange.terms, grantee: "org_other" } };
      expect(ask(currentOf(good, theirs))).toMatchObject({ permitted: true });
    },
  );

  it("permits nothing of the patient where it cannot be told whom it concerns", () => {
    const nobody = { ...good, id: "con_1", terms: { ...good.terms, grantee: 7 } } as unknown as Consent;
    expect(ask(currentOf(good, nobody))).toEqual(unknown("terms.grantee"));
    expect(ask(currentOf(good, { id: "con_1", terms: null } as never))).toEqual(unknown("terms"));
    expect(ask(currentOf(good, null as never))).toEqual(unknown("consent", ""));
    const suspended = { ...currentOf(good), suspended: true } as CurrentConsents;
    expect(ask(suspended)).toEqual(unknown("suspended", ""));
  });

  it("permits nothing by itself where it is a word of a permission", () => {
    for (const change of [
      { purposes: ["marketing"] },
      { directions: ["erase"] },
      { resolution: "weekly" },
      { resolution: undefined },
      { categories: [{ name: "heart", version: 3 }] },
      { categories: [{ name: "gossip", version: 1 }] },
    ]) {
      expect(ask(currentOf(one(change as Partial<Provision>)))).toMatchObject({ permitted: false });
      expect(ask(currentOf(one(change as Partial<Provision>), good))).toMatchObject({
        permitted: true,
        permits: [{ consent: "con_good" }],
      });
    }
  });
});

describe("an open emergency", () => {
  const open = [{ id: "emg_1", organization: "org_clinic", clinician: "usr_1", expireTime: now + 1 }];
  const emergency = { open, refusals: 0 };
  const asked = { purpose: "emergency", person: "usr_1" } as const;

  it("lets its clinician read as recorded until its hour is over, and says that it is one", () => {
    expect(ask({ ...noConsents, emergency }, asked)).toEqual({
      permitted: true,
      permits: [
        {
          ...{ consent: "emg_1", version: 1, provision: 0, resolution: "raw", captured: {} },
          ...{ validity: { end: now + 1 }, emergency: true },
        },
      ],
    });
  });

  it.each<[string, Partial<Question>]>([
    ["another clinician", { person: "usr_2" }],
    ["a program", { person: undefined }],
    ["another organization", { organization: "org_other" }],
    ["another purpose", { purpose: "treatment" }],
    ["contributing", { direction: "contribute" }],
    ["another region", { region: "eu" }],
    ["no region", { region: "" }],
    ["no region, about a patient without a home", { region: "", partition: "pat_1" }],
    ["a region, about a patient without a home", { partition: "pat_1" }],
  ])("permits nothing to %s", (_, change) => {
    expect(ask({ ...noConsents, emergency }, { ...asked, ...change })).toEqual(denied("no_consent"));
  });

  it.each<[string, Partial<CurrentConsents>]>([
    ["its hour is over", { emergency: { ...emergency, open: [{ ...open[0]!, expireTime: now }] } }],
    ["the patient refuses it", { emergency: { ...emergency, refuseTime: 1 } }],
  ])("permits nothing once %s", (_, change) => {
    expect(ask({ ...noConsents, ...change }, asked)).toEqual(denied("no_consent"));
  });
});
