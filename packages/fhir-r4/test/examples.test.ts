import { formatJson, formatXml, parseJson, parseXml, validate } from "@wellapi/fhir-r4";
import { expect, test } from "vitest";
import { examples } from "./examples.ts";

/** The resource and its faults, of those in HL7's examples that break a rule of R4. */
const wrong = {
  "DeviceUseStatement/example": [
    "DeviceUseStatement.reasonReference[0]: A reference here points to Condition, Observation, DiagnosticReport, DocumentReference, " +
      "Media, and not to Procedure",
  ],
  "MedicationRequest/medrx0301": [
    "MedicationRequest.dispenseRequest.performer: A reference here points to Organization, and not to Practitioner",
  ],
  "Observation/clinical-gender": [
    "Observation.performer[0]: A reference here points to Practitioner, PractitionerRole, Organization, CareTeam, Patient, " +
      "RelatedPerson, and not to Encounter",
  ],
};

test("of HL7's own examples none has an error, but for three that point to a type which the element does not permit", () => {
  const found: Record<string, string[]> = {};
  for (const text of examples) {
    const resource = parseJson(text);
    const errors = validate(resource).filter(({ severity }) => severity === "error");
    if (errors.length > 0) {
      found[`${resource.resourceType}/${resource.id}`] = errors.map(
        (one) => `${one.expression}: ${one.text}`,
      );
    }
  }
  expect(found).toEqual(wrong);
}, 120_000);

test("no rule of HL7 is left unjudged in its examples", () => {
  const unjudged = examples.flatMap((text) =>
    validate(parseJson(text)).filter(({ code }) => code === "incomplete"),
  );
  expect(unjudged).toEqual([]);
}, 120_000);

test("HL7's examples lose nothing on the way through XML and back", () => {
  for (const text of examples) {
    const sent = parseJson(text);
    const xml = formatXml(sent);
    const back = parseXml(xml);
    expect(formatJson(back)).toBe(formatJson(sent));
    expect(formatXml(back)).toBe(xml);
    expect(sorted(formatJson(sent))).toBe(sorted(text));
  }
}, 120_000);

/** The characters of a JSON text in one order: canonical form moves names, and changes no digit and no letter. */
function sorted(text: string): string {
  return [...JSON.stringify(parseJson(text))].sort().join("");
}
