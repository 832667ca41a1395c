import { expect, test } from "vitest";
import {
  codesOfCategories,
  DATA_CATEGORY_SYSTEM,
  OBSERVATION_CATEGORY_SYSTEM,
  shippedTerminology,
} from "../src/index.ts";

const codesOf = (...tokens: string[]) => codesOfCategories(shippedTerminology, tokens);

test("HL7's vital signs are heart rate, blood pressure, weight, breathing and temperature, and nothing of sleep", () => {
  const codes = codesOf("vital-signs");
  for (const code of ["8867-4", "85354-9", "29463-7", "9279-1", "8310-5"]) expect(codes).toContain(code);
  for (const code of ["93832-4", "15074-8", "55423-8", "wellbeing-note"]) expect(codes).not.toContain(code);
});

test("a category of consents is named as it is", () => {
  expect([...codesOf("glucose")].sort()).toEqual(["15074-8", "2339-0"]);
  expect(codesOf("sleep", "glucose").size).toBe(codesOf("sleep").size + codesOf("glucose").size);
});

test("a system is the one that it names", () => {
  expect(codesOf(`${OBSERVATION_CATEGORY_SYSTEM}|survey`)).toEqual(codesOf("wellbeing", "assessments"));
  expect(codesOf(`${DATA_CATEGORY_SYSTEM}|glucose`)).toEqual(codesOf("glucose"));
  expect(codesOf(`${OBSERVATION_CATEGORY_SYSTEM}|glucose`).size).toBe(0);
  expect(codesOf(`${DATA_CATEGORY_SYSTEM}|vital-signs`).size).toBe(0);
});

test("what is not known holds no code", () => {
  for (const token of ["", "|", "vital_signs", "imaging", "constructor", "https://example.com|vital-signs"])
    expect(codesOf(token).size).toBe(0);
});

test("laboratory reaches glucose and the clinical records of laboratories", () => {
  expect([...codesOf("laboratory")].sort()).toEqual(["15074-8", "2339-0", "laboratory@1"]);
});

test("every category of observations but sleep lies in one of HL7's", () => {
  const inHl7 = codesOf("vital-signs", "activity", "laboratory", "survey");
  const ofObservations = shippedTerminology.sets.filter(({ codes }) => codes.length > 0);
  const outside = [...new Set(ofObservations.map(({ category }) => category))].filter((category) =>
    [...codesOf(`${DATA_CATEGORY_SYSTEM}|${category}`)].some((code) => !inHl7.has(code)),
  );
  expect(outside).toEqual(["sleep"]);
});
