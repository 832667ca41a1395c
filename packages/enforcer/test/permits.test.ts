import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecisionCache } from "../src/decision-cache.ts";
import { type DatedPermit, earliestTime, judge, latestTime } from "../src/permits.ts";
import type { Question } from "../src/port.ts";

const permit: DatedPermit = {
  consent: "con_1",
  version: 1,
  provision: 0,
  resolution: Resolution.RAW,
  from: earliestTime,
  to: latestTime,
  notBefore: earliestTime,
  notAfter: latestTime,
};
const valid = (notBefore: number, notAfter: number): DatedPermit => ({ ...permit, notBefore, notAfter });
const anyPermits = fc.array(
  fc
    .tuple(fc.nat(20), fc.nat(10), fc.nat(99))
    .map(([from, length, provision]) => ({ ...valid(from, from + length), provision })),
  { maxLength: 4 },
);

describe("a judgement", () => {
  it("permits what is in force at the instant, and nothing else", () => {
    fc.assert(
      fc.property(anyPermits, fc.integer({ min: -2, max: 32 }), (permits, now) => {
        const inForce = permits.filter(({ notBefore, notAfter }) => now >= notBefore && now < notAfter);
        const { decision } = judge({ permits }, now);
        expect(decision.permitted ? decision.permits : []).toEqual(inForce);
      }),
    );
  });

  it("holds for the whole span that it names, which the instant is in", () => {
    fc.assert(
      fc.property(anyPermits, fc.integer({ min: -2, max: 32 }), (permits, now) => {
        const { decision, from, to } = judge({ permits }, now);
        expect(from <= now && now < to).toBe(true);
        for (let other = Math.max(from, -3); other < Math.min(to, 34); other++) {
          expect(judge({ permits }, other).decision).toEqual(decision);
        }
      }),
    );
  });

  it("names a span that reaches from one change to the next, so that it is not made again at each use", () => {
    const permits = [valid(10, 20), valid(5, 30)];
    expect(judge({ permits }, 12)).toMatchObject({ from: 10, to: 20 });
    expect(judge({ permits }, 20)).toMatchObject({ from: 20, to: 30 });
    expect(judge({ permits: [] }, 0)).toMatchObject({
      from: Number.NEGATIVE_INFINITY,
      to: Number.POSITIVE_INFINITY,
    });
  });

  it("says that consent has expired only where all of it has", () => {
    const reasonOf = (permits: DatedPermit[]) => judge({ permits }, 15).decision;
    const denied = (reason: DenialReason) => ({ permitted: false, reason });
    expect(reasonOf([])).toEqual(denied(DenialReason.NO_CONSENT));
    expect(reasonOf([valid(1, 15), valid(1, 10)])).toEqual(denied(DenialReason.EXPIRED));
    expect(reasonOf([valid(1, 15), valid(16, 20)])).toEqual(denied(DenialReason.NO_CONSENT));
    expect(reasonOf([valid(16, 20)])).toEqual(denied(DenialReason.NO_CONSENT));
  });

  it("of a window that slides holds for its millisecond, also beside one that stands", () => {
    const sliding = { ...permit, sliding: { lastMs: 100, from: 950 } };
    expect(judge({ permits: [permit, sliding] }, 1_000)).toMatchObject({ from: 1_000, to: 1_001 });
    expect(judge({ permits: [sliding] }, 1_000).decision).toMatchObject({ permits: [{ from: 950 }] });
    expect(judge({ permits: [sliding] }, 1_060).decision).toMatchObject({ permits: [{ from: 960 }] });
    // One that is not in force does not count.
    expect(judge({ permits: [permit, { ...sliding, notAfter: 900 }] }, 1_000)).toMatchObject({
      from: 900,
      to: latestTime,
    });
  });

  it("has ends that are the first and the last instants of a timestamp", () => {
    expect(new Date(earliestTime).toISOString()).toBe("0001-01-01T00:00:00.000Z");
    expect(new Date(latestTime - 1).toISOString()).toBe("9999-12-31T23:59:59.999Z");
  });
});

describe("the cache of decisions", () => {
  const question: Question = {
    partition: "local/pat_1",
    organization: "org_clinic",
    direction: Direction.READ,
    code: "8867-4",
    purpose: Purpose.TREATMENT,
    region: "local",
  };
  const of = (partition: string, code = question.code): Question => ({ ...question, partition, code });

  it("takes no question for another", () => {
    const cache = new DecisionCache(10);
    cache.put(question, { permits: [permit] }, 0);
    for (const other of [
      { partition: "local/pat_2" },
      { organization: "org_other" },
      { direction: Direction.CONTRIBUTE },
      { code: "29463-7" },
      { purpose: Purpose.RESEARCH },
      { region: "eu" },
    ]) {
      expect(cache.get({ ...question, ...other }, 0)).toBeUndefined();
    }
    expect(cache.get(question, 0)).toMatchObject({ permitted: true });
  });

  it("drops at a recall every decision about the patient, however many there are and whichever were dropped before", () => {
    const cache = new DecisionCache(4);
    const codes = ["1", "2", "3", "4", "5"];
    for (const code of codes) cache.put(of("a", code), { permits: [permit] }, 0); // the first leaves for want of room
    cache.put(of("a", "2"), { permits: [permit] }, 0);
    cache.drop("a");
    expect(cache.size).toBe(0);
    expect(codes.map((code) => cache.get(of("a", code), 0))).toEqual(Array(5).fill(undefined));
  });

  it("keeps the last answer to a question", () => {
    const cache = new DecisionCache(10);
    cache.put(question, { permits: [permit] }, 0);
    cache.put(question, { permits: [{ ...permit, version: 2 }] }, 0);
    expect(cache.get(question, 0)).toMatchObject({ permits: [{ version: 2 }] });
    expect(cache.size).toBe(1);
  });

  it("counts a new answer as a use: of what it has room for, another leaves first", () => {
    const cache = new DecisionCache(2);
    for (const partition of ["a", "b", "a", "c"]) cache.put(of(partition), { permits: [permit] }, 0);
    expect(["a", "b", "c"].filter((partition) => cache.get(of(partition), 0))).toEqual(["a", "c"]);
  });

  it("holds what it has room for, of the most recent uses, whatever is put, read and dropped", () => {
    const patients = ["a", "b", "c"];
    const codes = ["1", "2"];
    const step = fc.record({
      act: fc.constantFrom("put", "put", "get", "drop", "clear"),
      partition: fc.constantFrom(...patients),
      code: fc.constantFrom(...codes),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const cache = new DecisionCache(3);
        let known: { partition: string; code: string }[] = [];
        for (const { act, partition, code } of steps) {
          const same = (one: { partition: string; code: string }) =>
            one.partition === partition && one.code === code;
          const isKnown = known.some(same);
          if (act === "put") {
            cache.put(of(partition, code), { permits: [permit] }, 0);
            known = [...known.filter((one) => !same(one)), { partition, code }].slice(-3);
          } else if (act === "get") {
            expect(cache.get(of(partition, code), 0) !== undefined).toBe(isKnown);
            if (isKnown) known = [...known.filter((one) => !same(one)), { partition, code }];
          } else if (act === "drop") {
            cache.drop(partition);
            known = known.filter((one) => one.partition !== partition);
          } else if (act === "clear") {
            cache.clear();
            known = [];
          }
          expect(cache.size).toBe(known.length);
        }
        const held = patients.flatMap((partition) =>
          codes.filter((code) => cache.get(of(partition, code), 0)).map((code) => ({ partition, code })),
        );
        expect(held).toEqual(expect.arrayContaining(known));
        expect(held).toHaveLength(known.length);
      }),
    );
  });

  it("gives no denial: not before a consent begins, and not after it ended", () => {
    const cache = new DecisionCache(10);
    cache.put(question, { permits: [valid(10, 20)] }, 5);
    expect([9, 10, 19, 20, 15].map((now) => cache.get(question, now) !== undefined)).toEqual([
      false,
      true,
      true,
      false,
      true,
    ]);
  });
});
