import { expect, test } from "vitest";
import { type Anonymity, deIdentified, shiftOf } from "../src/index.ts";

const anonymity: Anonymity = {
  pseudonym: (id) => `${id.slice(0, 4)}${"0".repeat(26)}`,
  shiftDays: 10,
  year: 2026,
};
const patient = `pat-${"1".repeat(26)}`;
const record = `rec-${"2".repeat(26)}`;

/** Each of the 18 identifiers of 45 CFR 164.514(b)(2)(i), in places where clinics write them. */
const identifiers = {
  name: "Ada Lovelace",
  place: "12 St James Square",
  zip: "94110",
  date: "2026-03-01",
  phone: "+1 415 555 0100",
  fax: "+1 415 555 0199",
  mail: "ada@example.org",
  social: "078-05-1120",
  chart: "MRN-0042",
  plan: "PLAN-7",
  account: "ACC-9",
  license: "LIC-3",
  plate: "7ABC123",
  device: "SN-555",
  url: "https://ada.example",
  address: "192.0.2.7",
  finger: "FP-1",
  photo: "aGVsbG8=",
  other: "the first programmer",
};
const i = identifiers;
const all = Object.values(identifiers).join("; ");

const observation = {
  resourceType: "Observation",
  id: record,
  meta: { source: i.url, lastUpdated: "2026-03-02T08:00:00Z" },
  text: { status: "generated", div: `<div xmlns="http://www.w3.org/1999/xhtml">${all}</div>` },
  contained: [{ resourceType: "Patient", id: "p", name: [{ text: i.name }] }],
  extension: [{ url: "http://example.org/e", valueString: all }],
  identifier: [{ system: i.url, value: i.chart }],
  status: "final",
  _status: { extension: [{ url: "http://example.org/e", valueString: i.other }] },
  code: {
    coding: [
      { system: "http://loinc.org", code: "8310-5", display: i.name },
      { system: "urn:clinic", code: i.chart },
      { system: "http://loinc.org", code: i.name },
    ],
    text: all,
  },
  subject: { reference: `Patient/${patient}`, display: i.name, identifier: { value: i.social } },
  encounter: { reference: "Encounter/rec-33333333333333333333333333", display: i.place },
  performer: [{ reference: "Practitioner/17", display: i.name }],
  effectiveDateTime: `${i.date}T08:15:00+01:00`,
  issued: "2026-03-01T09:00:00Z",
  valueQuantity: { value: 37.1, unit: i.other, system: "http://unitsofmeasure.org", code: "Cel" },
  note: [{ text: all, authorString: i.name }],
  device: { display: i.device },
};

test("leaves out every identifier of Safe Harbor, wherever it is written, and keeps what was measured", () => {
  expect(deIdentified(observation, anonymity)).toEqual({
    resourceType: "Observation",
    id: `rec-${"0".repeat(26)}`,
    status: "final",
    code: { coding: [{ system: "http://loinc.org", code: "8310-5" }] },
    subject: { reference: `Patient/pat-${"0".repeat(26)}` },
    encounter: { reference: `Encounter/rec-${"0".repeat(26)}` },
    effectiveDateTime: "2026-03-11",
    valueQuantity: { value: 37.1, system: "http://unitsofmeasure.org", code: "Cel" },
  });
});

test("tells of a person sex and year of birth, and no age over 89", () => {
  const person = {
    resourceType: "Patient",
    id: patient,
    name: [{ text: i.name }],
    telecom: [{ value: i.phone }, { value: i.mail }],
    address: [{ postalCode: i.zip, line: [i.place] }],
    photo: [{ data: i.photo }],
    gender: "female",
    birthDate: "1990-12-10",
    deceasedDateTime: i.date,
  };
  const told = { resourceType: "Patient", id: `pat-${"0".repeat(26)}`, gender: "female" };
  expect(deIdentified(person, anonymity)).toEqual({ ...told, birthDate: "1990" });
  expect(deIdentified({ ...person, birthDate: "1936-12-10" }, anonymity)).toEqual(told);
});

test("keeps the distance of dates, and of a month or a year the year alone", () => {
  const of = (start: string, end: string) =>
    deIdentified({ ...observation, effectiveDateTime: undefined, effectivePeriod: { start, end } }, anonymity)
      ?.effectivePeriod;
  expect(of("2026-02-20", "2026-03-01T23:59:00Z")).toEqual({ start: "2026-03-02", end: "2026-03-11" });
  expect(of("2020", "2021-03")).toEqual({ start: "2020", end: "2021" });
});

test("leaves out an age over 89, samples that are words, and what is no longer valid", () => {
  const onset = (value: number) => ({
    resourceType: "Condition",
    id: record,
    subject: { reference: `Patient/${patient}` },
    code: { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: "I10" }] },
    onsetAge: { value, system: "http://unitsofmeasure.org", code: "a" },
  });
  expect(deIdentified(onset(91), anonymity)).not.toHaveProperty("onsetAge");
  expect(deIdentified(onset(54), anonymity)).toHaveProperty("onsetAge.value", 54);
  const sampled = (data: string) =>
    deIdentified(
      {
        ...observation,
        valueQuantity: undefined,
        valueSampledData: { origin: { value: 0 }, period: 1, dimensions: 1, data },
      },
      anonymity,
    );
  expect(sampled("1 2 E")).toHaveProperty("valueSampledData.data", "1 2 E");
  expect(JSON.stringify(sampled(i.name))).not.toContain("Ada");
  // Whose code is the clinic's own, has none left, and an Observation needs one.
  expect(deIdentified({ ...observation, code: { text: i.other } }, anonymity)).toBeUndefined();
  expect(deIdentified({ ...observation, resourceType: "DocumentReference" }, anonymity)).toBeUndefined();
});

test("leaves out ages over 89 in whatever unit and place, and dates that tell one", () => {
  const measured = (value: number, code: string) =>
    deIdentified(
      { ...observation, valueQuantity: { value, system: "http://unitsofmeasure.org", code } },
      anonymity,
    );
  for (const [young, old, unit] of [
    [89, 90, "a"],
    [1_079, 1_080, "mo"],
    [4_679, 4_680, "wk"],
    [32_849, 32_850, "d"],
  ] as const) {
    expect(measured(young, unit)).toHaveProperty("valueQuantity.value", young);
    expect(measured(old, unit)).not.toHaveProperty("valueQuantity");
  }
  expect(measured(120, "/min")).toHaveProperty("valueQuantity.code", "/min");
  const since = (date: string) => deIdentified({ ...observation, effectiveDateTime: date }, anonymity);
  expect(since("1937-02-01")).toHaveProperty("effectiveDateTime", "1937-02-11");
  expect(since("1936-02-01")).not.toHaveProperty("effectiveDateTime");
});

test("takes no word for a code of LOINC", () => {
  const of = (code: string) =>
    deIdentified({ ...observation, code: { coding: [{ system: "http://loinc.org", code }] } }, anonymity);
  expect(["8310-5", "LA6699-8"].map(of)).not.toContain(undefined);
  expect(["Ada", "7ABC123", "078-05-1120", "94110"].map(of)).toEqual(Array(4).fill(undefined));
});

test("a shift is up to a year and never none", () => {
  const shifts = Array.from({ length: 5_000 }, (_, at) => shiftOf(String(at)));
  expect(shifts.every((shift) => shift !== 0 && Math.abs(shift) <= 365)).toBe(true);
  expect([Math.min(...shifts), Math.max(...shifts)]).toEqual([-365, 365]);
});
