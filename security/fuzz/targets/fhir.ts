import {
  FhirError,
  type FhirResource,
  formatJson,
  formatXml,
  parseJson,
  parseXml,
  validate,
} from "../../../packages/fhir-r4/src/index.ts";
import { assertResult, type FuzzTarget, isOneOf, textOf, utf8 } from "../target.ts";

const limits = { length: 64 * 1024, depth: 40 };

const observation = `{"resourceType":"Observation","id":"o","text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\"><p title=\\"a\\">b &amp; c<br/></p></div>"},"contained":[{"resourceType":"Device","id":"d"}],"status":"final","_status":{"id":"s"},
"code":{"coding":[{"system":"http://loinc.org","code":"8310-5"}]},"subject":{"reference":"Patient/p"},
"effectiveDateTime":"2026-02-28T08:00:00.5+01:00","valueQuantity":{"value":98.60,"unit":"F"},"device":{"reference":"#d"},
"component":[{"code":{"text":"x"},"valueInteger":-3,"extension":[{"url":"http://a.example","valueDecimal":1.0E-3}]}]}`;

const patient = `{"resourceType":"Patient","active":true,"name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"urn:x",
"valueCode":"unknown"}]}]}],"birthDate":"2024-02-29","multipleBirthInteger":2}`;

/** Judges a resource that was read; one that is right is the same after both texts. */
function judge(resource: FhirResource): string {
  const [first] = validate(resource).filter(({ severity }) => severity === "error");
  if (first) return first.text;
  const json = formatJson(resource);
  const xml = formatXml(resource);
  assertResult(formatJson(parseJson(json)) === json, "the JSON of a valid resource changed on the way");
  assertResult(
    formatJson(parseXml(xml)) === json,
    "the XML of a valid resource does not say what its JSON does",
  );
  return "valid";
}

const words = [
  ...[
    "98.60",
    "1.0E-3",
    "1e400",
    "-0",
    "2026-02-30",
    "__proto__",
    "resourceType",
    "_given",
    "null",
    "\\u0000",
    "\\ud800",
  ],
  ...["valueString", "Bundle", "Extension", '"#d"', "Patient/p", "{", "}", "[", "]", ":"],
];

export const fhirTargets: readonly FuzzTarget[] = [
  {
    name: "fhir-json",
    open: () => ({
      corpus: [utf8(observation), utf8(patient)],
      words,
      refuses: isOneOf(FhirError),
      parse: (input) => judge(parseJson(textOf(input), limits)),
    }),
  },
  {
    name: "fhir-xml",
    open: () => ({
      corpus: [utf8(formatXml(parseJson(observation))), utf8(formatXml(parseJson(patient)))],
      words: [
        ...words,
        ...[
          "<!DOCTYPE a>",
          "<!ENTITY",
          "<![CDATA[",
          "]]>",
          "<!--",
          "<?a?>",
          "&amp;",
          "&#0;",
          "&#13;",
          "xmlns:a=",
          "<a:div",
        ],
        ...[
          'xmlns="http://hl7.org/fhir"',
          'xmlns="http://www.w3.org/1999/xhtml"',
          "<div>",
          "</div>",
          "<script>",
          ' value="',
          "/>",
        ],
      ],
      refuses: isOneOf(FhirError),
      parse: (input) => judge(parseXml(textOf(input), limits)),
    }),
  },
];
