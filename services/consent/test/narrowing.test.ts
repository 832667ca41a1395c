import { describe, expect, it } from "vitest";
import type { Mask, Provision, Terms } from "../src/consent.ts";
import { asksNoLess, beyond } from "../src/requests/narrowing.ts";
import type { Method } from "../src/sources.ts";
import { permission } from "./terms.ts";

const now = 1_000_000;
const where = { partition: "local/pat_1", from: now };
const wide: Provision = {
  ...permission,
  directions: ["read", "contribute"],
  categories: [
    { name: "heart", version: 2 },
    { name: "sleep", version: 1 },
  ],
  purposes: ["treatment", "research"],
  captured: { start: 0 },
};

function terms(provisions: readonly Provision[], validity: Terms["validity"] = { end: now + 100 }): Terms {
  return { grantee: "org_clinic", provisions, validity };
}

function inside(change: Partial<Provision>, outer: Partial<Provision> = {}): boolean {
  return beyond(terms([{ ...wide, ...change }]), terms([{ ...wide, ...outer }]), where) === undefined;
}

describe("what lies within a request", () => {
  it("is the request itself, and each part of it", () => {
    expect(inside({})).toBe(true);
    expect(inside({ directions: ["contribute"] })).toBe(true);
    expect(inside({ categories: [{ name: "sleep", version: 1 }] })).toBe(true);
    expect(inside({ purposes: ["research"] })).toBe(true);
    expect(inside({ resolution: "daily" })).toBe(true);
    expect(inside({ captured: { start: 10, end: 20 } })).toBe(true);
    expect(inside({ deIdentification: "safe_harbor" })).toBe(true);
    expect(inside({ regions: ["local"] })).toBe(true);
  });

  it("is nothing beyond it, in any respect", () => {
    expect(inside({ directions: ["read", "contribute"] }, { directions: ["read"] })).toBe(false);
    expect(inside({ categories: [{ name: "body", version: 1 }] })).toBe(false);
    expect(inside({ categories: [{ name: "heart", version: 1 }] })).toBe(false);
    expect(inside({ categories: [{ name: "heart", version: 3 }] })).toBe(false);
    expect(inside({ purposes: ["treatment", "payment"] })).toBe(false);
    expect(inside({ resolution: "raw" })).toBe(false);
    expect(inside({}, { directions: ["contribute"], purposes: [] })).toBe(false);
    expect(inside({}, { deIdentification: "safe_harbor" })).toBe(false);
    expect(inside({ regions: ["eu"] })).toBe(false);
    expect(inside({}, { regions: ["eu"] })).toBe(false);
    expect(inside({}, { regions: ["eu", "local"] })).toBe(true);
  });

  it("leaves out what was not asked for, and perhaps more", () => {
    const without = (...masks: Mask[]) => ({ masks });
    expect(inside(without("notes"))).toBe(true);
    expect(inside(without("notes", "performer"), without("notes"))).toBe(true);
    expect(inside({}, without("notes"))).toBe(false);
    expect(inside(without("performer"), without("notes"))).toBe(false);
  });

  it("is data of some of the contributors whose data was asked for", () => {
    const from = (...organizations: string[]) => ({ sources: { organizations } });
    expect(inside(from("org_watch"))).toBe(true);
    expect(inside(from("org_watch"), from("org_watch", "org_lab"))).toBe(true);
    expect(inside({}, from("org_watch"))).toBe(false);
    expect(inside(from("org_lab"), from("org_watch"))).toBe(false);
    const of = (organization: string, device: string) => {
      return { sources: { organizations: [], devices: [{ organization, device }] } };
    };
    expect(inside(of("org_watch", "dev_1"), from("org_watch"))).toBe(true);
    expect(inside(of("org_watch", "dev_1"), of("org_watch", "dev_1"))).toBe(true);
    expect(inside(of("org_watch", "dev_1"), of("org_watch", "dev_2"))).toBe(false);
    expect(inside(of("org_lab", "dev_1"), from("org_watch"))).toBe(false);
    expect(inside(from("org_watch"), of("org_watch", "dev_1"))).toBe(false);
    const as = (...methods: Method[]) => ({ sources: { organizations: [], methods } });
    const both = { sources: { organizations: ["org_watch"], methods: ["sensed"] as Method[] } };
    expect(inside(as("sensed"))).toBe(true);
    expect(inside(as("sensed"), as("sensed", "derived"))).toBe(true);
    expect(inside(as("clinician"), as("sensed"))).toBe(false);
    expect(inside({}, as("sensed"))).toBe(false);
    expect(inside(both, as("sensed"))).toBe(true);
    expect(inside(both, from("org_watch"))).toBe(true);
    expect(inside(as("sensed"), both)).toBe(false);
    expect(inside(from("org_watch"), both)).toBe(false);
  });

  it("is a window within the window: one that slides stays in a fixed one that it has entered for good", () => {
    const last = (lastMs: number) => ({ captured: { lastMs } });
    expect(inside({ captured: {} })).toBe(false);
    expect(inside({ captured: { start: -1 } })).toBe(false);
    expect(inside({ captured: { start: 5, end: 9 } }, { captured: { start: 5, end: 8 } })).toBe(false);
    expect(inside(last(now))).toBe(true);
    expect(inside(last(now + 1))).toBe(false);
    expect(inside(last(10), { captured: { start: 0, end: now + 1_000 } })).toBe(false);
    expect(inside(last(10), { captured: {} })).toBe(true);
    expect(inside(last(10), last(10))).toBe(true);
    expect(inside(last(11), last(10))).toBe(false);
    expect(inside({ captured: { start: now - 5 } }, last(10))).toBe(false);
  });

  it("slides from when it begins", () => {
    const chosen = terms([{ ...wide, captured: { lastMs: 150 } }], { start: now + 50, end: now + 100 });
    const asked = terms([{ ...wide, captured: { start: now - 100 } }]);
    expect(beyond(chosen, asked, where)).toBeUndefined();
    expect(beyond({ ...chosen, validity: { end: now + 100 } }, asked, where)).toBe("provisions[0]");
  });

  it("holds for no longer, and each part lies in one part of the request", () => {
    const asked = terms([wide], { start: now, end: now + 100 });
    expect(beyond(terms([wide], { start: now, end: now + 100 }), asked, where)).toBeUndefined();
    expect(beyond(terms([wide], { start: now, end: now + 101 }), asked, where)).toBe("validity");
    expect(beyond(terms([wide], { start: now - 1, end: now + 100 }), asked, where)).toBe("validity");
    expect(beyond(terms([wide], { start: now }), asked, where)).toBe("validity");
    const parted = [
      { ...wide, purposes: ["treatment"] },
      { ...wide, purposes: ["research"] },
    ] as const;
    expect(beyond(terms(parted), terms([wide]), where)).toBeUndefined();
    expect(beyond(terms([parted[0], wide]), terms(parted), where)).toBe("provisions[1]");
  });

  it("takes no permission from what the request denies", () => {
    expect(beyond(terms([permission]), terms([{ ...permission, effect: "deny" }]), where)).toBe(
      "provisions[0]",
    );
    expect(beyond(terms([{ ...permission, effect: "deny" }]), terms([wide]), where)).toBeUndefined();
  });
});

describe("a request that was refused", () => {
  const asksAgain = (change: Partial<Provision>) =>
    asksNoLess(terms([{ ...wide, ...change }], { end: now + 7 }), terms([wide]), where.partition);

  it("is repeated by asking for as much or more, whatever the times", () => {
    expect(asksAgain({})).toBe(true);
    expect(asksAgain({ captured: { lastMs: 1 } })).toBe(true);
    expect(asksAgain({ resolution: "raw" })).toBe(true);
    expect(asksAgain({ purposes: ["treatment", "research", "payment"] })).toBe(true);
  });

  it("is not repeated by asking for less", () => {
    expect(asksAgain({ resolution: "daily" })).toBe(false);
    expect(asksAgain({ purposes: ["treatment"] })).toBe(false);
    expect(asksAgain({ deIdentification: "safe_harbor" })).toBe(false);
    expect(asksAgain({ categories: [{ name: "sleep", version: 1 }] })).toBe(false);
  });
});
