import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NOW, payload, problemsOf, read, samplesOf } from "./rows.ts";

const fitbitDay = (date: string, times: readonly string[], extra: object = {}) => ({
  "activities-steps": [{ dateTime: date, value: "10" }],
  "activities-steps-intraday": {
    dataset: times.map((time, i) => ({ time, value: i })),
    datasetInterval: 1,
    datasetType: "minute",
  },
  ...extra,
});
const berlin = { timeZone: "Europe/Berlin" };

describe("local times", () => {
  test("without a zone are refused, and say what to name", () => {
    const found = read("fitbit", payload("fitbit/fitbit-body-log-weight.json"), { timeZone: "" });
    expect(new Set(problemsOf(found).map((problem) => problem.split(" ")[1]))).toEqual(
      new Set(["TIME_ZONE_REQUIRED"]),
    );
    expect(found.series).toEqual([]);
  });

  test("that the clocks skipped cost themselves only; the day has 23 hours", () => {
    const day = fitbitDay("2024-03-31", ["01:59:00", "02:30:00", "03:00:00"]);
    const found = read("fitbit", day, berlin);
    expect(problemsOf(found)).toEqual(["activities-steps-intraday.dataset[1].time LOCAL_TIME_SKIPPED"]);
    expect(samplesOf(found)).toEqual([
      "55423-8 10 {steps} | 2024-03-31T00:00:00.000+01 | 82800 | DAY",
      "55423-8 0 {steps} | 2024-03-31T01:59:00.000+01 | 60 | MINUTE",
      "55423-8 2 {steps} | 2024-03-31T03:00:00.000+02 | 60 | MINUTE",
    ]);
  });

  test("that the clocks repeat are the earlier ones first, and the later ones the second time", () => {
    const found = read("fitbit", fitbitDay("2024-10-27", ["02:30:00", "02:59:00", "02:30:00"]), berlin);
    expect(samplesOf(found)).toEqual([
      "55423-8 10 {steps} | 2024-10-27T00:00:00.000+02 | 90000 | DAY",
      "55423-8 0 {steps} | 2024-10-27T02:30:00.000+02 | 60 | MINUTE",
      "55423-8 1 {steps} | 2024-10-27T02:59:00.000+02 | 60 | MINUTE",
      "55423-8 2 {steps} | 2024-10-27T02:30:00.000+01 | 60 | MINUTE",
    ]);
  });
});

describe("a document", () => {
  test("has its unknown fields counted by their place", () => {
    const found = read("fitbit", fitbitDay("2024-06-01", ["08:00:00"], { mood: { is: "good" } }));
    expect(found.notes).toEqual([{ kind: "unknown", path: "mood", count: 1, reason: "" }]);
  });

  test("with two values for one time keeps the first, and the other is named; the same value twice is one", () => {
    const log = (weight: number) => ({ date: "2024-06-01", time: "08:00:00", weight });
    const found = read("fitbit", { weight: [log(70.1), log(70.1), log(70.2)] });
    expect(problemsOf(found)).toEqual(["weight[2].weight TIME_REPEATED"]);
    expect(samplesOf(found)).toHaveLength(1);
  });

  test("of the future is refused point by point", () => {
    const found = read("fitbit", { weight: [{ date: "2031-01-01", time: "08:00:00", weight: 70 }] });
    expect(problemsOf(found)).toEqual(["weight[0].weight TIME_IN_FUTURE"]);
    expect(NOW).toBeLessThan(Date.UTC(2031, 0));
  });

  test("that Withings could not attribute, or an error of Withings, stores nothing", () => {
    const group = {
      attrib: 1,
      category: 1,
      date: 1433052383,
      measures: [{ type: 1, unit: -3, value: 74126 }],
    };
    const found = read("withings", { status: 0, body: { measuregrps: [group], timezone: "UTC" } });
    expect(problemsOf(found)).toEqual(["body.measuregrps[0] PERSON_AMBIGUOUS"]);
    expect(found.series).toEqual([]);
    expect(() => read("withings", { status: 401, body: {} })).toThrow(/Withings reports an error/);
  });

  test("with half of a blood pressure, or a sleep log of version 1, says so", () => {
    const half = { attrib: 0, date: 1433052383, measures: [{ type: 10, unit: 0, value: 120 }] };
    const pressure = read("withings", { status: 0, body: { measuregrps: [half], timezone: "UTC" } });
    expect(problemsOf(pressure)).toEqual(["body.measuregrps[0] COMPONENT_MISSING"]);
    const old = { sleep: [{ startTime: "2015-01-01T00:00:00.000", duration: 60_000, minuteData: [] }] };
    expect(problemsOf(read("fitbit", old))).toEqual(["sleep[0] VERSION_UNKNOWN"]);
  });

  test("with a number that can't be kept exactly is refused rather than rounded", () => {
    const body = '{"weight":[{"date":"2024-06-01","time":"08:00:00","weight":70.12345678901}]}';
    expect(problemsOf(read("fitbit", Buffer.from(body)))).toEqual(["weight[0].weight DECIMAL_TOO_FINE"]);
  });
});

describe("whatever weights and minutes a document has", () => {
  const weight = fc.tuple(fc.integer({ min: 20, max: 299 }), fc.stringMatching(/^(\.\d{1,3})?$/));
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 1439 }), { minLength: 1, maxLength: 60 });

  test("each is stored with its own digits at its own time, or is refused", () => {
    fc.assert(
      fc.property(times, fc.array(weight, { minLength: 60, maxLength: 60 }), (minutes, values) => {
        const two = (n: number) => String(n).padStart(2, "0");
        const logs = minutes.map((minute, i) => {
          const time = `${two(Math.floor(minute / 60))}:${two(minute % 60)}:00`;
          return { time, value: values[i]!.join("") };
        });
        const text = logs.map(
          ({ time, value }) => `{"date":"2024-06-01","time":"${time}","weight":${value}}`,
        );
        const found = read("fitbit", Buffer.from(`{"weight":[${text.join(",")}]}`), { timeZone: "UTC" });
        expect(problemsOf(found)).toEqual([]);
        const rows = logs.map(
          ({ time, value }) => `29463-7 ${value} kg | 2024-06-01T${time}.000+00 | 0 | INSTANT`,
        );
        expect(samplesOf(found).sort()).toEqual(rows.sort());
      }),
      { numRuns: 50 },
    );
  });

  test("bytes that no vendor wrote are refused by the package's own error, or taken", () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.constantFrom("fitbit", "google-fit", "withings", "open-mhealth"),
        (text, vendor) => {
          try {
            read(vendor, Buffer.from(text));
          } catch (error) {
            expect(error).toMatchObject({ name: "NormalizeError" });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
