import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { payload, problemsOf, read, recordsOf } from "./rows.ts";

const folder = new URL("../../../test/data/vendors/open-mhealth/", import.meta.url);

/** The body of a test file in a data point of ours: the files have no header. */
function readFile(path: string, header: object = {}) {
  const [name, version] = path.split("/");
  const point = {
    header: { id: "point-1", schema_id: { namespace: "omh", name, version }, user_id: "4711", ...header },
    body: JSON.parse(payload(`open-mhealth/${path}`).toString()),
  };
  return read("open-mhealth", point, { timeZone: "" });
}

/** Written by reading the files. A file that is not here has no time, or a statistic: see below. */
const expected: Readonly<Record<string, string>> = {
  "blood-pressure/1.0/shouldPass/with-date-time-time-frame.json":
    "85354-9 | 2013-02-05T07:25:00.000+00 | 0 | 8480-6 160 mm[Hg] | 8462-4 60 mm[Hg]",
  "blood-pressure/3.0/shouldPass/blood-pressure-only.json":
    "85354-9 | 2020-02-05T07:25:00.000-08 | 0 | 8480-6 115 mm[Hg] | 8462-4 60 mm[Hg]",
  "blood-pressure/3.0/shouldPass/with-posture-and-location.json":
    "85354-9 | 2020-02-05T07:25:00.000-08 | 0 | 8480-6 140 mm[Hg] | 8462-4 60 mm[Hg]",
  "blood-pressure/3.1/shouldPass/with-posture-location-pa-relation.json":
    "85354-9 | 2020-02-05T07:25:00.000-08 | 0 | 8480-6 125 mm[Hg] | 8462-4 60 mm[Hg]",
  "blood-pressure/4.0/shouldPass/blood-pressure-only.json":
    "85354-9 | 2020-02-05T07:25:00.000-08 | 0 | 8480-6 115 mm[Hg] | 8462-4 60 mm[Hg]",
  "blood-pressure/4.0/shouldPass/with-posture-and-location.json":
    "85354-9 | 2020-02-05T07:25:00.000-08 | 0 | 8480-6 140 mm[Hg] | 8462-4 60 mm[Hg]",
  "blood-pressure/4.0/shouldPass/with-posture-location-relation.json":
    "85354-9 | 2020-02-05T07:25:00.000-08 | 0 | 8480-6 125 mm[Hg] | 8462-4 60 mm[Hg]",
  "body-temperature/1.0/shouldPass/valid-temperature.json":
    "8310-5 97 [degF] | 2013-02-05T07:25:00.000+00 | 0",
  "body-temperature/2.0/shouldPass/basal-temperature.json":
    "8310-5 96.5 [degF] | 2013-02-05T06:25:00.000+00 | 0",
  "body-temperature/4.0/shouldPass/valid-temperature.json":
    "8310-5 97 [degF] | 2023-02-05T07:25:00.000+01 | 0",
  "body-weight/1.0/shouldPass/date-time-time-frame.json": "29463-7 50 kg | 2013-02-05T07:25:00.000+00 | 0",
  // From 5 February to 5 June 2013: 120 days.
  "body-weight/1.0/shouldPass/time-interval-time-frame.json":
    "29463-7 50 kg | 2013-02-05T07:25:00.000+00 | 10368000",
  "body-weight/3.0/shouldPass/body-weight-only.json": "29463-7 50 kg | 2020-02-05T09:45:00.000-08 | 0",
  "calories-burned/1.0/shouldPass/with-time-frame.json":
    "41981-2 160 kcal | 2013-02-05T06:25:00.000+00 | 3600",
  "calories-burned/2.0/shouldPass/valid-calories-burned.json":
    "41981-2 1600 kcal | 2016-02-05T06:00:00.000+00 | 61200",
  "heart-rate/1.0/shouldPass/with-everything.json": "8867-4 50 /min | 2013-02-05T07:25:00.000+00 | 0",
  "heart-rate/2.0/shouldPass/with-temporal-relationship-to-sleep.json":
    "8867-4 67.5 /min | 2020-02-05T07:25:00.000-08 | 0",
  "oxygen-saturation/2.0/shouldPass/saturation-only.json": "59408-5 95 % | 2013-02-05T07:25:00.000-08 | 0",
  "respiratory-rate/1.0/shouldPass/with-temporal-relationship-to-physical-activity.json":
    "9279-1 12 /min | 2013-02-05T07:25:00.000+00 | 0",
  "sleep-duration/2.0/shouldPass/valid-sleep-duration.json":
    "93832-4 7.5 h | 2016-02-05T20:35:00.000+00 | 36000",
  "step-count/1.0/shouldPass/with-time-frame.json":
    "55423-8 6000 {steps} | 2013-02-05T06:25:00.000+00 | 3600",
  "step-count/2.0/shouldPass/valid-step-count.json":
    "55423-8 6000 {steps} | 2016-02-05T06:25:00.000+00 | 3600",
  "step-count/3.0/shouldPass/valid-step-count.json":
    "55423-8 10600 {steps} | 2016-02-05T06:25:00.000+00 | 3600",
};

const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".json"),
);

describe("the public test files of Open mHealth", () => {
  test.each(Object.entries(expected))("%s", (path, row) => {
    const found = readFile(path);
    expect(problemsOf(found)).toEqual([]);
    expect(recordsOf(found)).toEqual([row]);
  });

  // The folders say what Open mHealth's own schemas make of each.
  test("none that its schema refuses is taken, but for what does not concern the measurement", () => {
    const taken = files
      .filter((path) => path.includes("/shouldFail/"))
      .filter((path) => problemsOf(readFile(path)).length === 0);
    expect(taken.sort()).toEqual([
      // When and where it was measured are free words there, and have no place here.
      "blood-pressure/3.1/shouldFail/invalid-pa-value.json",
      "blood-pressure/4.0/shouldFail/invalid-pa-value.json",
      "oxygen-saturation/1.0/shouldFail/invalid-oxygen-unit.json",
      "oxygen-saturation/2.0/shouldFail/invalid-oxygen-unit.json",
    ]);
  });

  test("all that their schemas permit are taken, or say precisely why not", () => {
    const reasons = files
      .filter((path) => path.includes("/shouldPass/"))
      .flatMap((path) => problemsOf(readFile(path)).map((problem) => problem.split(" ")[1]!));
    expect(new Set(reasons)).toEqual(new Set(["TIME_REQUIRED", "TIME_INVALID", "STATISTIC_NOT_TAKEN"]));
  });
});

describe("a data point", () => {
  const steps = "step-count/3.0/shouldPass/valid-step-count.json";
  const schema = (version: string) => ({ schema_id: { namespace: "omh", name: "step-count", version } });

  test("of another version says which ones are taken", () => {
    const [item] = readFile(steps, schema("9.0")).items;
    expect(item).toMatchObject({
      problem: {
        field: "header.schema_id.version",
        reason: "VERSION_UNKNOWN",
        description: "takes the versions 1.0, 2.0, 3.0 of this schema",
      },
    });
  });

  test("of another person than the request's is refused", () => {
    expect(problemsOf(readFile(steps, { user_id: "somebody" }))).toEqual(["header.user_id OTHER_PERSON"]);
  });

  test("names its person for the whole list, whose points of others are refused", () => {
    const point = (user: string, id: string) => ({
      header: { id, user_id: user, ...schema("3.0") },
      body: JSON.parse(payload(`open-mhealth/${steps}`).toString()),
    });
    const list = [point("ana", "1"), point("ben", "2"), point("ana", "3")];
    const found = read("open-mhealth", list, { user: "", timeZone: "" });
    expect(found.user).toBe("ana");
    expect(found.observations.map(({ externalId }) => externalId)).toEqual(["1", "3"]);
    expect(problemsOf(found)).toEqual(["[1].header.user_id OTHER_PERSON"]);
  });

  test("keeps the words of its person", () => {
    const [pressure] = readFile("heart-rate/1.0/shouldPass/with-user-notes.json").observations;
    expect(pressure).toMatchObject({ notes: ["I felt quite dizzy"], externalId: "point-1" });
  });
});
