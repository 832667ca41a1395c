import {
  defaultLimits,
  FhirError,
  formatJson,
  formatXml,
  parseJson,
  parseXml,
  validate,
} from "@wellapi/fhir-r4";
import { describe, expect, test } from "vitest";

const fhir = 'xmlns="http://hl7.org/fhir"';

/** The error that reading the text throws. */
function refusal(text: string, limits = defaultLimits): FhirError {
  try {
    parseXml(text, limits);
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error("the text was accepted");
}

/** The JSON of the resource that the XML text has. */
function json(xml: string): unknown {
  return JSON.parse(formatJson(parseXml(xml)));
}

describe("a resource in XML", () => {
  test("is what it is in JSON, digits, extensions of primitives, ids, contained resources and narrative included", () => {
    const text = JSON.stringify(
      parseJson(`{
        "resourceType": "Observation", "id": "o1",
        "text": {"status": "generated", "div": "<div xmlns=\\"http://www.w3.org/1999/xhtml\\"><p>a &amp; b<br/>c</p></div>"},
        "contained": [{"resourceType": "Device", "id": "d", "serialNumber": "7"}],
        "extension": [{"id": "x", "url": "http://a.example", "valueDecimal": 1.0E-3}],
        "status": "final", "_status": {"id": "s"},
        "code": {"text": "line 1\\nline 2\\t<\\"&'> \\r end"},
        "_effectiveDateTime": {"extension": [{"url": "http://b.example", "valueBoolean": true}]},
        "valueQuantity": {"value": 98.60},
        "device": {"reference": "#d"}
      }`),
    );
    const xml = formatXml(parseJson(text));
    expect(xml).toContain('<valueQuantity><value value="98.60"/></valueQuantity>');
    expect(xml).toContain(
      '<extension id="x" url="http://a.example"><valueDecimal value="1.0E-3"/></extension>',
    );
    expect(xml).toContain('<contained><Device xmlns="http://hl7.org/fhir"><id value="d"/>');
    expect(xml).toContain('<status id="s" value="final"/>');
    expect(formatJson(parseXml(xml))).toBe(formatJson(parseJson(text)));
    expect(validate(parseXml(xml))).toEqual([]);
  });

  test("has the items of two arrays of a primitive side by side", () => {
    const extension = '<extension url="http://a.example"><valueCode value="x"/></extension>';
    expect(
      json(
        `<Patient ${fhir}><name><given value="A"/><given>${extension}</given><given value="B"/></name></Patient>`,
      ),
    ).toEqual({
      resourceType: "Patient",
      name: [
        {
          given: ["A", null, "B"],
          _given: [null, { extension: [{ url: "http://a.example", valueCode: "x" }] }, null],
        },
      ],
    });
  });

  test("may have prefixes, comments, instructions, a place of a schema, and a declaration", () => {
    expect(
      json(`<?xml version="1.0" encoding="utf-8"?><?style sheet?><!-- a --><f:Patient xmlns:f="http://hl7.org/fhir"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"
        xmlns:h="http://www.w3.org/1999/xhtml"><f:text><f:status value="generated"/><h:div><h:b title="a&quot;b">c &lt; d</h:b></h:div></f:text>
        <f:active value="true"/></f:Patient>`),
    ).toEqual({
      resourceType: "Patient",
      text: {
        status: "generated",
        div: '<div xmlns="http://www.w3.org/1999/xhtml"><b title="a&#34;b">c &#60; d</b></div>',
      },
      active: true,
    });
  });

  test.each([
    ["a DOCTYPE", `<!DOCTYPE Patient><Patient ${fhir}/>`, "FHIR's XML has no DOCTYPE"],
    [
      "entities that grow",
      `<!DOCTYPE Patient [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Patient ${fhir}><id value="&b;"/></Patient>`,
      "FHIR's XML has no DOCTYPE",
    ],
    [
      "a file of the machine",
      `<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>&x;</p>`,
      "FHIR's XML has no DOCTYPE",
    ],
    [
      "an unknown entity",
      `<Patient ${fhir}><id value="&b;"/></Patient>`,
      "The text is no well-formed XML from here",
    ],
    ["no namespace", "<Patient/>", "FHIR's elements are of the namespace http://hl7.org/fhir"],
    [
      "another namespace",
      '<Patient xmlns="http://hl7.org/v3"/>',
      "FHIR's elements are of the namespace http://hl7.org/fhir",
    ],
    [
      "a div outside a narrative",
      `<Patient ${fhir}><div xmlns="http://www.w3.org/1999/xhtml"/></Patient>`,
      "FHIR's elements are of the namespace http://hl7.org/fhir",
    ],
    ["an unknown resource", `<Dragon ${fhir}/>`, "The element names no resource of FHIR R4"],
    [
      "an unknown element",
      `<Patient ${fhir}><colour value="red"/></Patient>`,
      "Patient has no element 'colour'",
    ],
    [
      "an element that is an attribute",
      `<Patient ${fhir}><name><id value="a"/></name></Patient>`,
      "HumanName has no element 'id'",
    ],
    [
      "a companion as in JSON",
      `<Patient ${fhir}><_active id="a"/></Patient>`,
      "Patient has no element '_active'",
    ],
    [
      "an unknown attribute",
      `<Patient ${fhir}><active value="true" colour="red"/></Patient>`,
      "active has no attribute 'colour'",
    ],
    ["a value on an object", `<Patient ${fhir}><name value="a"/></Patient>`, "name has no attribute 'value'"],
    ["an id on a resource", `<Patient ${fhir} id="a"/>`, "Patient has no attribute 'id'"],
    [
      "text between elements",
      `<Patient ${fhir}>a</Patient>`,
      "Text stands in narratives only: values are attributes",
    ],
    [
      "an element twice",
      `<Patient ${fhir}><active value="true"/><active value="true"/></Patient>`,
      "'active' does not repeat",
    ],
    [
      "another order",
      `<Patient ${fhir}><gender value="male"/><active value="true"/></Patient>`,
      "'active' stands before the elements that precede it in HL7's order",
    ],
    [
      "an empty element",
      `<Patient ${fhir}><active/></Patient>`,
      "An element has a value or elements within it (ele-1)",
    ],
    [
      "two resources in one",
      `<Patient ${fhir}><contained><Device/><Device/></contained></Patient>`,
      "One element holds one resource",
    ],
    ["none in contained", `<Patient ${fhir}><contained/></Patient>`, "The element holds a resource"],
    ["an open end", `<Patient ${fhir}>`, "The text is no well-formed XML from here"],
    ["two roots", `<Patient ${fhir}/><Patient ${fhir}/>`, "The text is no well-formed XML from here"],
    ["nothing", "", "The text is no well-formed XML from here"],
    [
      "another encoding",
      `<?xml version="1.0" encoding="UTF-16"?><Patient ${fhir}/>`,
      "FHIR's XML is of version 1.0 and in UTF-8",
    ],
    ["XML 1.1", `<?xml version="1.1"?><Patient ${fhir}/>`, "FHIR's XML is of version 1.0 and in UTF-8"],
  ])("with %s is refused, with line and column", (_what, text, message) => {
    const { code, findings } = refusal(text);
    expect([code, findings[0]!.text]).toEqual(["syntax", message]);
    expect(findings[0]!.line).toBe(1);
    expect(findings[0]!.column).toBeGreaterThan(0);
  });

  test("is refused at the line, column and path of what is wrong", () => {
    const text = `<Patient ${fhir}>\n <name>\n  <given value="a"/>\n  <colour value="b"/>\n </name>\n</Patient>`;
    expect(refusal(text).findings[0]).toMatchObject({ line: 4, column: 22, expression: "Patient.name[0]" });
  });

  test("is refused where it nests deeper than the limit, or is longer", () => {
    const deep = `<Patient ${fhir}>${'<extension url="a">'.repeat(1000)}`;
    expect(refusal(deep).code).toBe("limit");
    const div = `<Patient ${fhir}><text><div xmlns="http://www.w3.org/1999/xhtml">${"<p>".repeat(1000)}`;
    expect(refusal(div).code).toBe("limit");
    expect(refusal(`<Patient ${fhir}/>`, { length: 20, depth: 9 }).code).toBe("limit");
  });

  test("keeps a value that its type does not have, of which the validator says so", () => {
    const resource = parseXml(
      `<Patient ${fhir}><active value="yes"/><multipleBirthInteger value="01"/></Patient>`,
    );
    expect(validate(resource).map(({ expression }) => expression)).toEqual([
      "Patient.active",
      "Patient.multipleBirth",
    ]);
  });

  test("is never quoted in an error", () => {
    expect(
      JSON.stringify(refusal(`<Patient ${fhir}><id value="SECRET" a&SECRET/></Patient>`).findings),
    ).not.toContain("SECRET");
  });

  test("is not written with a narrative that would break out of it, nor with a control character", () => {
    const patient = (change: object) => parseJson(JSON.stringify({ resourceType: "Patient", ...change }));
    for (const wrong of [{ text: { div: "</text>" } }, { id: "\u0001" }, { colour: "red" }]) {
      expect(() => formatXml(patient(wrong))).toThrow(FhirError);
    }
  });
});
