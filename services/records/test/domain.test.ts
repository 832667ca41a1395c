import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { type Contribution, lacksConsent } from "../src/gate/contribution.ts";
import { rawPermit } from "../src/gate/permit.ts";
import { clip, covers, coversTimes, intervalBehind, unite } from "../src/model/interval.ts";
import { decimalText } from "../src/read/decimal-text.ts";
import { messages, pieces } from "../src/read/runs.ts";
import { type ItemViolation, judge } from "../src/write/judgement.ts";
import { acceptedBitmap } from "../src/write/receipt.ts";

const intervals = fc.array(
  fc.tuple(fc.nat(30), fc.nat(10)).map(([from, length]) => ({ from, to: from + length })),
  { maxLength: 6 },
);
const inside = (list: readonly { from: number; to: number }[], t: number) =>
  list.some(({ from, to }) => from <= t && t < to);

describe("intervals", () => {
  it("hold after uniting and clipping the same instants as before", () => {
    const property = fc.property(intervals, fc.nat(40), fc.nat(40), (list, a, b) => {
      const bounds = { from: Math.min(a, b), to: Math.max(a, b) };
      const clipped = clip(unite(list), bounds);
      for (let t = -1; t < 45; t++) {
        expect(inside(unite(list), t)).toBe(inside(list, t));
        expect(inside(clipped, t)).toBe(inside(list, t) && inside([bounds], t));
      }
      const edges = clipped.flatMap(({ from, to }) => [from, to]);
      expect(edges).toEqual([...new Set(edges)].sort((x, y) => x - y));
      const all = Array.from({ length: bounds.to - bounds.from }, (_, i) => bounds.from + i);
      expect(coversTimes(unite(list), all)).toBe(all.every((t) => inside(list, t)));
      expect(bounds.from === bounds.to || covers(unite(list), bounds) === coversTimes(unite(list), all)).toBe(
        true,
      );
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("of a later page begin or end with the time of the last item, at which there may be more", () => {
    const whole = { from: 10, to: 20 };
    expect(intervalBehind(whole, undefined, true)).toEqual(whole);
    expect([10, 14, 19].map((time) => intervalBehind(whole, time, true))).toEqual([
      { from: 10, to: 11 },
      { from: 10, to: 15 },
      { from: 10, to: 20 },
    ]);
    expect([10, 14, 30].map((time) => intervalBehind(whole, time, false))).toEqual([
      { from: 10, to: 20 },
      { from: 14, to: 20 },
      { from: 30, to: 20 },
    ]);
  });
});

describe("judge", () => {
  const yes: Contribution = { permitted: true, windows: [{ from: 0, to: 10 }] };
  const none: Contribution = { permitted: false, scope: "none", reason: "CONSENT_REQUIRED" };
  const other: Contribution = { permitted: false, scope: "other", reason: "CONSENT_CATEGORY" };
  const contributions = new Map<string, Contribution>([
    ["yes", yes],
    ["none", none],
    ["other", other],
  ]);
  const items = fc.array(
    fc.record({
      code: fc.constantFrom("yes", "none", "other", "unheard"),
      field: fc.constant("series[0]"),
      times: fc.constantFrom<readonly number[]>([1, 2], [8, 12]),
      violations: fc.constantFrom<readonly ItemViolation[]>(
        [],
        [{ field: "f", description: "d", reason: "R" }],
      ),
    }),
    { maxLength: 8 },
  );

  it("never accepts twice, nor what is wrong, not covered, or of a batch that was taken back", () => {
    const property = fc.property(items, fc.array(fc.nat(7)), fc.boolean(), (batch, before, retracted) => {
      const accepted = new Set(before);
      const judgements = judge(batch, contributions, { accepted, retracted });
      judgements.forEach(({ status }, i) => {
        const { code, times, violations } = batch[i]!;
        const good = code === "yes" && times[1] === 2 && violations.length === 0 && !retracted;
        const known = retracted ? "retracted" : "duplicate";
        expect(status).toBe(accepted.has(i) ? known : good ? "accepted" : "rejected");
      });
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("tells a sender without any consent from one whose consent covers other codes", () => {
    expect(lacksConsent([none, none])).toBe(true);
    expect(lacksConsent([none, other])).toBe(false);
    expect(lacksConsent([none, yes])).toBe(false);
  });
});

describe("rawPermit", () => {
  const permit = (consent: string, fineness: "raw" | "hourly" | undefined) => ({
    consent,
    version: 1,
    provision: 0,
    fineness,
    window: { from: 0, to: 10 },
  });

  it("rests on raw permits alone: an unknown resolution never permits", () => {
    expect(rawPermit([permit("a", "hourly"), permit("b", undefined)], { from: 0, to: 5 })).toBeUndefined();
    const codePermit = rawPermit([permit("a", "hourly"), permit("b", "raw")], { from: 5, to: 50 })!;
    expect(codePermit.permits.map(({ consent }) => consent)).toEqual(["b"]);
    expect(codePermit.intervals).toEqual([{ from: 5, to: 10 }]);
  });
});

describe("decimalText", () => {
  it("writes what parses back to the same number, with all its digits", () => {
    const property = fc.property(fc.maxSafeInteger(), fc.nat(9), (mantissa, scale) => {
      const text = decimalText({ mantissa, scale });
      expect(BigInt(text.replace(".", ""))).toBe(BigInt(mantissa));
      expect(text.split(".")[1]?.length ?? 0).toBe(scale);
      expect(text).toMatch(/^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/);
    });
    fc.assert(property);
  });
});

describe("acceptedBitmap", () => {
  it("has a bit for each accepted item", () => {
    expect(acceptedBitmap(10, [0, 9])).toEqual(Uint8Array.of(1, 2));
  });
});

/** Samples at these times, each with its time as its value. */
function columnsAt(list: readonly number[]) {
  const times = Float64Array.from(list);
  const values = { kind: "decimal" as const, scale: 0, mantissas: times };
  return { times, offsetMinutes: 0, durationMs: 0, unit: "/min", values };
}

describe("pieces", () => {
  it("are bounded, and no gap inside is longer than a message can say", () => {
    const columns = columnsAt([0, 1, 2, 3, 2 ** 32 + 4, 2 ** 32 + 5]);
    expect([...pieces(columns, 3)].map((piece) => piece.times.length)).toEqual([3, 1, 2]);
  });
});

describe("messages", () => {
  const columns = columnsAt([0, 1, 2, 10, 11, 20]);
  const sent = async (...answers: { from: number; to: number }[][]) => {
    const parts: number[][] = [];
    for await (const part of messages(columns, async () => answers.shift() ?? []))
      parts.push([...part.columns.times]);
    return { parts, unasked: answers.length };
  };

  it("ask once where one interval holds all", async () => {
    const all = [{ from: 0, to: 100 }];
    expect(await sent(all, all)).toEqual({ parts: [[0, 1, 2, 10, 11, 20]], unasked: 1 });
  });

  it("ask before each, so that a revocation stops the second of two", async () => {
    const two = [
      { from: 0, to: 3 },
      { from: 10, to: 12 },
    ];
    expect((await sent(two, two, two)).parts).toEqual([
      [0, 1, 2],
      [10, 11],
    ]);
    expect((await sent(two, [])).parts).toEqual([[0, 1, 2]]);
    expect((await sent(two, [{ from: 11, to: 12 }])).parts).toEqual([[0, 1, 2], [11]]);
  });
});

describe("patient queue", () => {
  it("runs one after another for a patient, side by side for several, and survives failures", async () => {
    const queue = createPatientQueue();
    const log: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = queue.run("a", async () => {
      await promise;
      log.push("a1");
      throw new Error("failed");
    });
    const second = queue.run("a", async () => log.push("a2"));
    await queue.run("b", async () => log.push("b1"));
    resolve();
    await expect(first).rejects.toThrow("failed");
    await second;
    expect(log).toEqual(["b1", "a1", "a2"]);
  });
});
