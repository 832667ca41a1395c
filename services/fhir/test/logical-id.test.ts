import { describe, expect, test } from "vitest";
import {
  formatLogicalId,
  inwardReference,
  outwardReference,
  parseLogicalId,
} from "../src/mapping/logical-id.ts";

const patient = "pat_0123456789abcdefghjkmnpqrs";
const other = "pat_zzzzzzzzzzzzzzzzzzzzzzzzzz";
const record = "rec_abcdefghjkmnpqrstvwxyz0123";
const base = "https://wellapi.example/fhir/R4";

describe("a logical id", () => {
  test("holds patient and record within FHIR's 64 characters", () => {
    const id = formatLogicalId({ patient, record });
    expect(id).toMatch(/^[A-Za-z0-9.-]{1,64}$/);
    expect(parseLogicalId(id)).toEqual({ patient, record });
  });

  test.each(["", "rec-abc", "pat-0123456789abcdefghjkmnpqrs", `${"0".repeat(26)}.rec-${"u".repeat(26)}`])(
    "is nothing that was not made here: %j",
    (text) => {
      expect(parseLogicalId(text)).toBeUndefined();
    },
  );
});

describe("a reference", () => {
  const stored = `Condition/${record.replace("_", "-")}`;

  test("goes out and comes in again, relative or with this server's address", () => {
    const outward = outwardReference(patient, stored);
    expect(outward).toBe(`Condition/${formatLogicalId({ patient, record })}`);
    expect(inwardReference(patient, base, outward)).toBe(stored);
    expect(inwardReference(patient, base, `${base}/${outward}`)).toBe(stored);
    expect(inwardReference(patient, base, `${outward}/_history/2`)).toBe(`${stored}/_history/2`);
  });

  test("to a record of another patient does not come in", () => {
    expect(inwardReference(other, base, outwardReference(patient, stored))).toBeUndefined();
  });

  test("to a patient loses this server's address, and what names nothing here stays", () => {
    const named = "Patient/pat-0123456789abcdefghjkmnpqrs";
    expect(inwardReference(patient, base, `${base}/${named}`)).toBe(named);
    for (const foreign of [
      "urn:uuid:1",
      "#contained",
      "https://elsewhere.example/Patient/1",
      "Practitioner/7",
    ])
      expect([inwardReference(patient, base, foreign), outwardReference(patient, foreign)]).toEqual([
        foreign,
        foreign,
      ]);
  });
});
