import { randomUUID } from "node:crypto";
import type { FhirObject, FhirResource } from "@wellapi/fhir-r4";
import type {
  ExpandValueSetResponse,
  LookupCodeResponse,
  TranslateCodeResponse,
  ValidateCodeResponse,
} from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import {
  TranslateCodeResponse_Match_Equivalence as Equivalence,
  ValidateCodeResponse_Fault as Fault,
} from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import type { Concept } from "@wellapi/gen/wellapi/codes/v1/codes_pb";

function parameters(list: ReadonlyArray<FhirObject | undefined>): FhirResource {
  return { resourceType: "Parameters", parameter: list.filter((one) => one !== undefined) };
}

function textNamed(name: string, value: string): FhirObject | undefined {
  return value === "" ? undefined : { name, valueString: value };
}

/** The answer of `$lookup`. FHIR asks for a display: where none is known it is the code. @param named properties; all where empty */
export function lookedUp(
  { name, version, concept, properties }: LookupCodeResponse,
  named: string,
): FhirResource {
  const { code, display, inactive } = concept!;
  const all = [...properties, ...(inactive ? [{ name: "inactive", value: "true" }] : [])];
  return parameters([
    textNamed("name", name),
    textNamed("version", version),
    textNamed("display", display === "" ? code : display),
    ...all
      .filter((one) => named === "" || one.name === named)
      .map((one) => ({
        name: "property",
        part: [
          { name: "code", valueCode: one.name },
          { name: "value", valueString: one.value },
        ],
      })),
  ]);
}

const faults: Readonly<Record<Fault, string>> = {
  [Fault.UNSPECIFIED]: "",
  [Fault.UNKNOWN_CODE]: "The code system has no such code",
  [Fault.NOT_IN_FRAGMENT]:
    "Only a part of this code system is known here, and the code is not in it; an operator can load the whole of it",
  [Fault.NOT_IN_VALUE_SET]: "The value set does not have this code",
  [Fault.WRONG_DISPLAY]: "The code is right, and the display is not its own",
};

/** The answer of `$validate-code`: of several verdicts the first that is right, else the first. */
export function judged(verdicts: readonly ValidateCodeResponse[]): FhirResource {
  const verdict = verdicts.find(({ valid }) => valid) ?? verdicts[0]!;
  return parameters([
    { name: "result", valueBoolean: verdict.valid },
    textNamed("message", faults[verdict.fault]),
    textNamed("display", verdict.concept?.display ?? ""),
  ]);
}

export interface Expanded {
  readonly url: string;
  readonly filter: string;
  readonly offset: number;
  /** Undefined: the usual number. */
  readonly count: number | undefined;
}

/** The answer of `$expand`. */
export function expanded(asked: Expanded, answer: ExpandValueSetResponse, now: Date): FhirResource {
  const { url, filter, offset, count } = asked;
  const { title, version, concepts, total, unclosed } = answer;
  const shown = count === 0 ? [] : concepts;
  return {
    resourceType: "ValueSet",
    url,
    ...(version !== "" && { version }),
    ...(title !== "" && { title }),
    status: "active",
    expansion: {
      ...(unclosed && {
        extension: [{ url: "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", valueBoolean: true }],
      }),
      identifier: `urn:uuid:${randomUUID()}`,
      timestamp: now.toISOString(),
      ...(total !== undefined && { total: Number(total) }),
      offset,
      ...parametersOf(filter, count),
      ...(shown.length > 0 && { contains: shown.map(containedOf) }),
    },
  };
}

function parametersOf(filter: string, count: number | undefined) {
  const parameter = [
    ...(filter === "" ? [] : [{ name: "filter", valueString: filter }]),
    ...(count === undefined ? [] : [{ name: "count", valueInteger: count }]),
  ];
  return parameter.length > 0 ? { parameter } : {};
}

function containedOf({ system, code, display, inactive }: Concept): FhirObject {
  return { system, ...(inactive && { inactive }), code, ...(display !== "" && { display }) };
}

/** The answer of `$translate`: `result` is whether there is a match. */
export function translated({ matches }: TranslateCodeResponse): FhirResource {
  const found = matches.some(({ equivalence }) => equivalence === Equivalence.RELATEDTO);
  const remark = matches.find(({ equivalence }) => equivalence === Equivalence.UNMATCHED)?.comment ?? "";
  return parameters([
    { name: "result", valueBoolean: found },
    found ? undefined : textNamed("message", remark === "" ? "No map has a match" : remark),
    ...matches.map(({ equivalence, concept, conceptMap }) => ({
      name: "match",
      part: [
        { name: "equivalence", valueCode: equivalence === Equivalence.RELATEDTO ? "relatedto" : "unmatched" },
        ...(concept === undefined ? [] : [{ name: "concept", valueCoding: codingOf(concept) }]),
        { name: "source", valueUri: conceptMap },
      ],
    })),
  ]);
}

function codingOf({ system, code, display }: Concept): FhirObject {
  return { system, code, ...(display !== "" && { display }) };
}
