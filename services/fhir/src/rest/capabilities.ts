import { type FhirObject, type FhirResource, profilesOf, searchParameters } from "@wellapi/fhir-r4";
import { includeNames } from "../search/includes.ts";
import { searchNames } from "../search/query-convert.ts";
import { ledgerType, ledgerTypes } from "./ledger/types.ts";
import { terminologyOperations } from "./terminology/operations.ts";
import { servedTypes } from "./types.ts";

const interactions = ["read", "vread", "update", "delete", "history-instance", "create", "search-type"];

/** What this server does: no more, and no less (a test calls all of it). @param origin of the installation */
export function capabilities(base: string, origin: string): FhirResource {
  return {
    resourceType: "CapabilityStatement",
    status: "active",
    date: "2026-11-27",
    kind: "instance",
    implementation: { description: "WellAPI: a patient's record, under the patient's consent", url: base },
    software: { name: "WellAPI" },
    fhirVersion: "4.0.1",
    format: ["application/fhir+json", "application/fhir+xml", "json", "xml"],
    rest: [
      {
        mode: "server",
        documentation:
          "Every search is within one patient's record. What the patient's consents do not permit is as if it were not there. The header x-purpose-of-use says what a read is for (HL7 PurposeOfUse; TREAT unless given).",
        security: {
          cors: true,
          service: [
            {
              coding: [
                {
                  system: "http://terminology.hl7.org/CodeSystem/restful-security-service",
                  code: "SMART-on-FHIR",
                },
              ],
            },
          ],
          extension: [
            {
              url: "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
              extension: [
                { url: "authorize", valueUri: `${origin}/oauth2/authorize` },
                { url: "token", valueUri: `${origin}/oauth2/token` },
              ],
            },
          ],
        },
        resource: [
          ...servedTypes.map(resourceOf),
          ...ledgerTypes.map(ledgerResourceOf),
          ...terminologyResources(),
          groupResource,
        ],
        interaction: [{ code: "transaction" }, { code: "batch" }],
        operation: [importOperation],
      },
    ],
  };
}

function resourceOf(type: string): FhirObject {
  const known = searchParameters(type);
  const searchParam = searchNames(type).flatMap((name) => {
    const parameter = known.get(name);
    if (parameter !== undefined) return [{ name, type: parameter.type }];
    return name === "patient" ? [wholeRecord] : [];
  });
  const included = includeNames(type);
  return {
    type,
    ...(type === "Observation" && { documentation: ofMeasurements }),
    interaction: interactions.map((code) => ({ code })),
    versioning: "versioned-update",
    readHistory: true,
    updateCreate: false,
    conditionalCreate: true,
    conditionalRead: "not-match",
    ...(included.length > 0 && { searchInclude: included }),
    searchRevInclude: ["Provenance:target"],
    searchParam,
    ...(profilesOf(type).length > 0 && { supportedProfile: [...profilesOf(type)] }),
    operation: [
      operationOf("Resource", "validate"),
      ...(Object.hasOwn(operations, type) ? operations[type]! : []),
    ],
  };
}

/** HL7 has no such parameter of a Practitioner, say: here it tells whose record the search is in. */
const wholeRecord = {
  name: "patient",
  type: "reference" as const,
  documentation: "Whose record is searched. A search names the patient here, or by _id.",
};

const ofMeasurements =
  "What devices streamed in is found and read as Observations, too. It has no version and no history, and is neither changed nor deleted here: that is for what was written here.";

/** Not of HL7's: a line of NDJSON becomes an outcome. */
const importOperation = {
  name: "import",
  definition: "https://wellapi.dev/fhir/OperationDefinition/import",
  documentation:
    "POST [base]/$import with application/fhir+ndjson: resources of any of the caller's patients, one a line. The answer has an OperationOutcome for each.",
};

/** FHIR Bulk Data Access: the operations of `bulk/`. */
const bulkData = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition";

/** There is one group, `Group/consented`: the patients of whom the caller's organization has consents. */
const groupResource = {
  type: "Group",
  documentation:
    "There is one, Group/consented: the patients of whom the caller has consents. It is exported, and not read.",
  operation: [{ name: "export", definition: `${bulkData}/group-export` }],
};

function operationOf(type: string, name: string): FhirObject {
  return { name, definition: `http://hl7.org/fhir/OperationDefinition/${type}-${name}` };
}

/** Operations of types that are searched, too. */
const operations: Readonly<Record<string, readonly FhirObject[]>> = {
  Observation: [operationOf("Observation", "lastn")],
  Patient: [
    operationOf("Patient", "everything"),
    { name: "export", definition: `${bulkData}/patient-export` },
  ],
};

/** What the exchange itself keeps is read and searched, and some of it made. */
function ledgerResourceOf(type: string): FhirObject {
  const known = searchParameters(type);
  const { parameters, definitions = {}, operations: operation, create } = ledgerType(type)!;
  const searchParam = parameters.map((name): FhirObject => {
    const definition = definitions[name];
    return definition === undefined
      ? { name, type: known.get(name)!.type }
      : { name, definition, type: "reference" as const };
  });
  const codes = ["read", ...(create === undefined ? [] : ["create"]), "search-type"];
  return {
    type,
    interaction: codes.map((code) => ({ code })),
    versioning: "no-version",
    searchParam,
    ...(operation && { operation: [...operation] }),
  };
}

/** CodeSystem, ValueSet and ConceptMap have operations only. */
function terminologyResources() {
  return [...Map.groupBy(terminologyOperations, ({ type }) => type)].map(([type, own]) => ({
    type,
    operation: own.map(({ name }) => operationOf(type, name)),
  }));
}
