import { describe, expect, it } from "vitest";
import {
  type CodeContribution,
  type Contribution,
  lacksConsent,
  sameContributions,
} from "../src/gate/contribution.ts";
import { type ConsentPermit, ownPermit, rawPermit, signatureOf } from "../src/gate/permit.ts";
import { type JudgedItem, judge } from "../src/write/judgement.ts";

const yes: Contribution = { permitted: true, windows: [{ from: 0, to: 10 }] };
const contributions = new Map<string, Contribution>([
  ["yes", yes],
  ["none", { permitted: false, scope: "none", reason: "CONSENT_REQUIRED" }],
  ["other", { permitted: false, scope: "other", reason: "CONSENT_CATEGORY" }],
]);
const item = (code: string, more: Partial<JudgedItem> = {}): JudgedItem => {
  return { code, field: `series[${code}]`, times: [1, 2], violations: [], ...more };
};
const wrong = [{ field: "series[0].unit", description: "is not a unit", reason: "UNIT_INVALID" }];

/** Status, and of what is rejected field and reason of its one violation. */
function judged(one: JudgedItem, earlier?: { accepted?: number[]; retracted?: boolean }) {
  const before = earlier && {
    accepted: new Set(earlier.accepted ?? []),
    retracted: earlier.retracted ?? false,
  };
  const [judgement] = judge([one], contributions, before);
  if (judgement!.status !== "rejected") return judgement!.status;
  expect(judgement!.violations).toHaveLength(1);
  const { field, reason, description } = judgement!.violations[0]!;
  expect(description).not.toBe("");
  return `${field} ${reason}`;
}

describe("an item of a batch", () => {
  it("is stored where the consent covers its code and all of its times", () => {
    expect(judged(item("yes"))).toBe("accepted");
    expect(judged(item("yes", { times: [0, 9] }))).toBe("accepted");
    expect(judged(item("yes"), { accepted: [] })).toBe("accepted");
  });

  it("is told what ingestion found wrong, whatever the consent says", () => {
    expect(judged(item("yes", { violations: wrong, times: [] }))).toBe("series[0].unit UNIT_INVALID");
    expect(judged(item("none", { violations: wrong }))).toBe("series[0].unit UNIT_INVALID");
  });

  it("is told which code the consent does not cover, and why", () => {
    expect(judged(item("none"))).toBe("series[none].code CONSENT_REQUIRED");
    expect(judged(item("other"))).toBe("series[other].code CONSENT_CATEGORY");
    expect(judged(item("unheard"))).toBe("series[unheard].code CONSENT_REQUIRED");
  });

  it("is told that a sample lies outside the window", () => {
    for (const times of [[-1, 2], [5, 10], [20]]) {
      expect(judged(item("yes", { times }))).toBe("series[yes] CONSENT_WINDOW");
    }
  });

  it("of a batch that was taken back needs a new request id; what else is wrong is told first", () => {
    const earlier = { retracted: true };
    expect(judged(item("yes"), earlier)).toBe("series[yes] BATCH_RETRACTED");
    expect(judged(item("other"), earlier)).toBe("series[other].code CONSENT_CATEGORY");
    expect(judged(item("yes", { times: [20] }), earlier)).toBe("series[yes] CONSENT_WINDOW");
  });

  it("that was stored once stays stored, or taken back, though it would be rejected now", () => {
    for (const one of [item("yes"), item("none"), item("yes", { violations: wrong })]) {
      expect(judged(one, { accepted: [0] })).toBe("duplicate");
      expect(judged(one, { accepted: [0], retracted: true })).toBe("retracted");
    }
    expect(judged(item("yes"), { accepted: [1] })).toBe("accepted");
  });
});

describe("a sender", () => {
  it("without a consent in force is told so for the whole batch, also where no code decides anything", () => {
    const [none, other] = [contributions.get("none")!, contributions.get("other")!];
    expect(lacksConsent([])).toBe(true);
    expect(lacksConsent([none])).toBe(true);
    expect([[other], [none, other], [other, none], [none, yes]].map(lacksConsent)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("a decision to contribute", () => {
  type Permits = CodeContribution["permits"];
  const permit = { consent: "a", version: 1, from: 0, to: 10 };
  const yesBy = (...permits: Permits): CodeContribution => ({ permitted: true, windows: permits, permits });
  const no = (reason: string): CodeContribution => {
    return { permitted: false, scope: "other", reason, permits: [] };
  };
  const same = (a: CodeContribution, b: CodeContribution) =>
    sameContributions(new Map([["code", a]]), new Map([["code", b]]));

  it("stands as long as the same permits say the same", () => {
    expect(same(yesBy(permit), yesBy(permit))).toBe(true);
    const remembered = yesBy(permit);
    expect(same(remembered, remembered)).toBe(true);
    expect(same(no("CONSENT_CATEGORY"), no("CONSENT_CATEGORY"))).toBe(true);
    expect(sameContributions(new Map(), new Map())).toBe(true);
  });

  it("does not stand once a permit, its version or its window is another, or a code is decided otherwise", () => {
    for (const other of [
      yesBy({ ...permit, version: 2 }),
      yesBy({ ...permit, consent: "b" }),
      yesBy({ ...permit, to: 9 }),
      yesBy({ ...permit, from: 1 }),
      yesBy(permit, { ...permit, consent: "b" }),
      no("CONSENT_CATEGORY"),
    ]) {
      expect(same(yesBy(permit), other)).toBe(false);
    }
    expect(same(no("CONSENT_CATEGORY"), no("CONSENT_REGION"))).toBe(false);
    const permits = [permit];
    const one: CodeContribution = { permitted: true, windows: [], permits };
    expect(sameContributions(new Map([["x", one]]), new Map([["y", one]]))).toBe(false);
    const two = new Map([
      ["x", one],
      ["y", one],
    ]);
    expect(sameContributions(new Map([["x", one]]), two)).toBe(false);
    expect(sameContributions(two, new Map([["x", one]]))).toBe(false);
  });

  it("does not stand where one code of several is decided otherwise, though others are remembered", () => {
    const remembered = yesBy(permit);
    const two = (other: CodeContribution) =>
      new Map([
        ["x", remembered],
        ["y", other],
      ]);
    expect(sameContributions(two(yesBy(permit)), two(yesBy({ ...permit, version: 2 })))).toBe(false);
    expect(sameContributions(two(yesBy(permit)), two(yesBy(permit)))).toBe(true);
  });

  it("stands while a window slides on, but not once it slides otherwise", () => {
    const sliding = { lastMs: 10, from: 3 };
    const slid = (from: number, more: Partial<typeof sliding> = {}) =>
      yesBy({ ...permit, from, sliding: { ...sliding, ...more } });
    expect(same(slid(4), slid(5))).toBe(true);
    for (const other of [slid(4, { lastMs: 11 }), slid(4, { from: 4 }), yesBy({ ...permit, from: 4 })]) {
      expect(same(slid(4), other)).toBe(false);
    }
    // Another beside it that does not slide still counts with its start.
    const beside = (from: number) => yesBy({ ...permit, from: 9, sliding }, { ...permit, from });
    expect(same(beside(1), beside(1))).toBe(true);
    expect(same(beside(1), beside(2))).toBe(false);
  });
});

describe("a grant", () => {
  const permit = (consent: string, from: number, to: number, more: Partial<ConsentPermit> = {}) => {
    return { consent, version: 1, provision: 0, fineness: "raw" as const, window: { from, to }, ...more };
  };

  it("of a patient's own reading is bounded by the request alone", () => {
    const bounds = { from: -5, to: 100 };
    const own = ownPermit(bounds);
    expect(own).toMatchObject({ intervals: [bounds], permits: [], signature: "own" });
    expect(own.from(undefined)).toEqual([bounds]);
  });

  it("is the union of the windows, cut to the request", () => {
    const codePermit = rawPermit([permit("a", 0, 5), permit("b", 5, 8), permit("c", 20, 40)], {
      from: 2,
      to: 30,
    })!;
    expect(codePermit.intervals).toEqual([
      { from: 2, to: 8 },
      { from: 20, to: 30 },
    ]);
    expect(codePermit.permits.map(({ consent }) => consent)).toEqual(["a", "b", "c"]);
    expect(codePermit.signature).toBe(signatureOf(codePermit.permits));
    expect(rawPermit([], { from: 0, to: 5 })).toBeUndefined();
  });

  it("is another one once anything that a consent demands changes, and the same in another order", () => {
    const [a, b] = [permit("a", 0, 5), permit("b", 5, 8)];
    const sliding = { lastMs: 10, from: 3 };
    const all = [
      ...[[], [a], [b], [a, b], [{ ...a, version: 2 }], [{ ...a, provision: 1 }]],
      ...[[{ ...a, fineness: "daily" as const }], [{ ...a, fineness: undefined }]],
      ...[[permit("a", 1, 5)], [permit("a", 0, 6)], [{ ...a, sliding }]],
      ...[[{ ...a, sliding: { ...sliding, from: 4 } }], [{ ...a, sliding: { ...sliding, lastMs: 11 } }]],
    ];
    expect(new Set(all.map(signatureOf)).size).toBe(all.length);
    expect(signatureOf([b, a])).toBe(signatureOf([a, b]));
    // A window that slides on names no other permit.
    const later = { ...permit("a", 4, 5), sliding };
    expect(signatureOf([later])).toBe(signatureOf([{ ...a, sliding }]));
  });
});
