import { describe, expect, test } from "vitest";
import { payload, problemsOf, read, recordsOf, samplesOf } from "./rows.ts";

// Each line was written by reading the payload, not by running the program. Times: the payloads of Fitbit and Google Fit say no
// zone, and are read as of Los Angeles, which is 7 hours behind UTC in summer and 8 in winter.

describe("Fitbit", () => {
  test("a day's summary gives its totals, on the day that the request names", () => {
    const day = read("fitbit", payload("fitbit/fitbit-activities-date-empty-activities-list.json"), {
      date: "2015-06-18",
    });
    expect(samplesOf(day)).toEqual([
      "55423-8 12517 {steps} | 2015-06-18T00:00:00.000-07 | 86400 | DAY",
      "41981-2 1892 kcal | 2015-06-18T00:00:00.000-07 | 86400 | DAY",
      "55430-3 8.56 km | 2015-06-18T00:00:00.000-07 | 86400 | DAY",
    ]);
  });

  test("a logged walk is a workout with its sums", () => {
    const day = read("fitbit", payload("fitbit/fitbit-activities-date-single-in-activities-list.json"), {
      date: "2014-06-19",
    });
    expect(recordsOf(day)).toEqual([
      "workout | 2014-06-19T09:00:00.000-07 | 3600 | 55423-8 5000 {steps} | 41981-2 128 kcal | 55430-3 3.36 km",
    ]);
    expect(samplesOf(day)).toEqual([
      "55423-8 10007 {steps} | 2014-06-19T00:00:00.000-07 | 86400 | DAY",
      "41981-2 1848 kcal | 2014-06-19T00:00:00.000-07 | 86400 | DAY",
      "55430-3 7.32 km | 2014-06-19T00:00:00.000-07 | 86400 | DAY",
    ]);
  });

  test("steps by the minute, and their day", () => {
    const steps = read("fitbit", payload("fitbit/fitbit-activities-steps-1d-1m-intraday.json"));
    expect(samplesOf(steps)).toEqual([
      "55423-8 3212 {steps} | 2015-08-21T00:00:00.000-07 | 86400 | DAY",
      "55423-8 7 {steps} | 2015-08-21T00:00:00.000-07 | 60 | MINUTE",
      "55423-8 0 {steps} | 2015-08-21T14:27:00.000-07 | 60 | MINUTE",
      "55423-8 52 {steps} | 2015-08-21T14:28:00.000-07 | 60 | MINUTE",
    ]);
  });

  test("weights", () => {
    const body = read("fitbit", payload("fitbit/fitbit-body-log-weight.json"));
    expect(samplesOf(body)).toEqual([
      "29463-7 56.7 kg | 2015-05-13T18:28:59.000-07 | 0 | INSTANT",
      "29463-7 55.9 kg | 2015-05-14T11:51:57.000-07 | 0 | INSTANT",
      "29463-7 58.1 kg | 2015-05-22T18:12:06.000-07 | 0 | INSTANT",
      "29463-7 57.2 kg | 2015-05-24T15:15:25.000-07 | 0 | INSTANT",
      "39156-5 21.48 kg/m2 | 2015-05-13T18:28:59.000-07 | 0 | INSTANT",
      "39156-5 21.17 kg/m2 | 2015-05-14T11:51:57.000-07 | 0 | INSTANT",
      "39156-5 21.99 kg/m2 | 2015-05-22T18:12:06.000-07 | 0 | INSTANT",
      "39156-5 21.65 kg/m2 | 2015-05-24T15:15:25.000-07 | 0 | INSTANT",
    ]);
  });

  test("a night and a nap; no sleep is nothing", () => {
    const sleep = read("fitbit", payload("fitbit/fitbit-sleep-date.json"));
    expect(recordsOf(sleep)).toEqual([
      "sleep-session | 2016-12-13T09:59:00.000-08 | 3780 | 93832-4 63 min | asleep 0+3780",
      "sleep-session | 2016-12-13T01:16:00.000-08 | 7080 | 93832-4 112 min | asleep 0+4980 | awake 4980+60 | asleep 5040+420 | awake 5460+240 | asleep 5700+60 | awake 5760+60 | asleep 5820+1260",
    ]);
    const none = read("fitbit", payload("fitbit/fitbit-sleep-date-range-empty-sleep-list.json"));
    expect(none).toMatchObject({ series: [], observations: [], items: [] });
  });
});

describe("Google Fit", () => {
  test("weights: 72.0999984741211 is 72.1 in 32 bits", () => {
    expect(samplesOf(read("google-fit", payload("google-fit/googlefit-merge-weight.json")))).toEqual([
      "29463-7 72.1 kg | 2015-02-12T16:00:00.000-08 | 0 | INSTANT",
      "29463-7 72 kg | 2015-02-17T08:57:13.313-08 | 0 | INSTANT",
      "29463-7 75.7507 kg | 2015-07-07T20:17:00.000-07 | 10.02 | EPISODE",
    ]);
  });

  test("heights and energy", () => {
    expect(samplesOf(read("google-fit", payload("google-fit/googlefit-merge-height.json")))).toEqual([
      "8302-2 1.828799 m | 2015-07-07T20:17:06.030-07 | 0 | INSTANT",
      "8302-2 1.8288001 m | 2015-07-08T07:43:57.544-07 | 1.001 | EPISODE",
    ]);
    const energy = read("google-fit", payload("google-fit/googlefit-merge-calories-expended.json"));
    expect(samplesOf(energy)).toEqual([
      "41981-2 200.0 kcal | 2015-07-07T06:30:00.000-07 | 1800 | EPISODE",
      "41981-2 1672.5063 kcal | 2015-07-07T07:00:00.000-07 | 86400 | EPISODE",
      "41981-2 4.2215104 kcal | 2015-07-08T07:43:49.730-07 | 218.079 | EPISODE",
    ]);
  });

  test("what has no code is told, with its reason", () => {
    const speed = read("google-fit", payload("google-fit/googlefit-merge-speed.json"));
    expect(speed.items).toEqual([]);
    expect(speed.notes).toContainEqual({
      kind: "not_taken",
      path: "point[].value",
      count: 2,
      reason: "no code here for a speed",
    });
    expect(read("google-fit", payload("google-fit/googlefit-empty.json")).items).toEqual([]);
  });
});

describe("Withings", () => {
  test("measures, in the zone that the payload names", () => {
    const body = read("withings", payload("withings/withings-body-measures.json"), { timeZone: "" });
    expect(samplesOf(body)).toEqual([
      "85354-9 8480-6 104 mm[Hg], 8462-4 68 mm[Hg] | 2015-05-30T23:06:23.000-07 | 0 | INSTANT",
      "8867-4 41 /min | 2015-05-30T23:06:23.000-07 | 0 | INSTANT",
      "29463-7 74.128 kg | 2015-04-20T10:13:56.000-07 | 0 | INSTANT",
      "29463-7 74.126 kg | 2015-05-30T23:06:23.000-07 | 0 | INSTANT",
      "8867-4 47 /min | 2015-02-26T13:57:17.000-08 | 0 | INSTANT",
      "8867-4 51 /min | 2015-03-02T08:28:55.000-08 | 0 | INSTANT",
      "8302-2 1.930 m | 2015-02-23T11:24:49.000-08 | 0 | INSTANT",
      "8310-5 37 Cel | 2015-02-23T11:24:49.000-08 | 0 | INSTANT",
    ]);
    // −1000 × 10^−3 of the type 18, which Withings does not document.
    expect(body.notes).toContainEqual({
      kind: "unknown",
      path: "body.measuregrps[].measures[].type 18",
      count: 3,
      reason: "",
    });
  });

  test("days of activity", () => {
    const days = samplesOf(read("withings", payload("withings/withings-activity-measures.json")));
    expect(days.filter((row) => row.startsWith("55423-8"))).toEqual([
      "55423-8 2934 {steps} | 2015-06-18T00:00:00.000-07 | 86400 | DAY",
      "55423-8 2600 {steps} | 2015-06-19T00:00:00.000-07 | 86400 | DAY",
      "55423-8 5458 {steps} | 2015-06-20T00:00:00.000-07 | 86400 | DAY",
      "55423-8 1798 {steps} | 2015-02-21T00:00:00.000-08 | 86400 | DAY",
    ]);
    expect(days).toContain("55430-3 4754 m | 2015-06-20T00:00:00.000-07 | 86400 | DAY");
    expect(days).toContain("41981-2 99 kcal | 2015-02-21T00:00:00.000-08 | 86400 | DAY");
    expect(days).toHaveLength(12);
  });

  test("states of sleep", () => {
    expect(samplesOf(read("withings", payload("withings/withings-sleep-measures.json")))).toEqual([
      "sleep-stage awake | 2014-12-02T12:00:00.000-08 | 900 | EPISODE",
      "sleep-stage light | 2014-12-02T12:16:00.000-08 | 960 | EPISODE",
      "sleep-stage rem | 2014-12-02T12:33:00.000-08 | 1620 | EPISODE",
    ]);
  });
});

describe("IEEE 1752.1", () => {
  test("a day and a night", () => {
    const points = read("ieee-1752", payload("ieee-1752/oura-by-omh-shim.json"), { timeZone: "" });
    expect(recordsOf(points)).toEqual([
      "8867-4 72.0 /min | 2026-04-09T03:15:00.000+00 | 0",
      "55423-8 8432 {steps} | 2026-04-09T00:00:00.000-07 | 86400",
      "59408-5 93.0 % | 2021-01-01T00:00:00.000+00 | 86400",
      "sleep-session | 2026-04-08T23:10:00.000-07 | 27000 | 93832-4 25200 s | 93830-8 14400 s | 93831-6 5400 s | 93829-0 5400 s",
      "93832-4 25200 s | 2026-04-08T23:10:00.000-07 | 27000",
    ]);
    expect(problemsOf(points)).toEqual(["[5].header.schema_id SCHEMA_UNKNOWN"]);
  });
});
