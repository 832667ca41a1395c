import type { Client } from "@connectrpc/connect";
import {
  definitionOf,
  type FhirResource,
  type FhirValue,
  type Finding,
  isObject,
  operationOutcome,
  type Profile,
  profileOf,
  type TypeDefinition,
  validate,
} from "@wellapi/fhir-r4";
import {
  type CodeService,
  ValidateCodeResponse_Fault as Fault,
} from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import type { HttpRequest } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { queryOf } from "../address.ts";
import { unjudgedResource } from "../content.ts";
import { calling } from "../exchange.ts";

const notJudged = "This profile, or this version of it, is not judged here: metadata lists those that are";

/** So many different codes of a resource are asked about. */
const mostCodes = 64;

/**
 * POST [type]/$validate: what is wrong with a resource, by R4, by the profiles that it names or `profile`, and by the code systems
 * that are known here. Nothing is stored. The answer is an OperationOutcome also where the resource is wrong.
 */
export async function validateResource(
  codes: Client<typeof CodeService>,
  request: HttpRequest,
  type: string,
): Promise<FhirResource> {
  const { resource, profiles } = askedOf(request);
  if (resource.resourceType !== type) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      `The address is of the type ${type}: send a resource of it`,
    );
  }
  const findings = validate(resource, profiles);
  const faulty = findings.some(({ severity }) => severity === "error");
  const wrong = faulty ? [] : await wrongCodes(codes, resource);
  return operationOutcome([...findings, ...wrong, ...unjudgedClaims(resource)]);
}

/** Profiles that a resource names and that nobody judges here: without a word of them all would seem well. */
function unjudgedClaims({ resourceType, meta }: FhirResource): readonly Finding[] {
  const named = isObject(meta) && Array.isArray(meta.profile) ? meta.profile : [];
  return named.flatMap((one, index): Finding[] => {
    if (typeof one !== "string" || profileOf(one) !== undefined) return [];
    const expression = `${resourceType}.meta.profile[${index}]`;
    return [{ severity: "information", code: "informational", text: notJudged, expression }];
  });
}

/** The resource alone, or in Parameters with `profile`; `profile` in the address, too. */
function askedOf(request: HttpRequest): { resource: FhirResource; profiles: readonly Profile[] } {
  const sent = unjudgedResource(request);
  const query = [...queryOf(request)].filter(([name]) => name !== "_format");
  const list =
    sent.resourceType === "Parameters" && Array.isArray(sent.parameter)
      ? sent.parameter.filter(isObject)
      : [];
  const named = [
    ...query,
    ...list.flatMap(({ name, resource, ...rest }) =>
      name === "resource" && resource !== undefined
        ? []
        : [[String(name), String(Object.values(rest)[0])] as const],
    ),
  ];
  const other = named.find(([name]) => name !== "profile");
  if (other !== undefined) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "$validate takes resource and profile: a mode is not judged",
    );
  }
  const resource =
    sent.resourceType === "Parameters" ? list.find(({ name }) => name === "resource")?.resource : sent;
  if (!isObject(resource) || typeof resource.resourceType !== "string") {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "Send the resource, or Parameters with the resource in them",
    );
  }
  return { resource: resource as FhirResource, profiles: named.map(([, url]) => knownProfile(url)) };
}

function knownProfile(url: string): Profile {
  const profile = profileOf(url);
  if (profile !== undefined) return profile;
  throw new FhirServiceError("NOT_SUPPORTED", notJudged);
}

/** Codes that their systems do not have, as far as these are known; displays that are of something else. */
async function wrongCodes(
  codes: Client<typeof CodeService>,
  resource: FhirResource,
): Promise<readonly Finding[]> {
  const found = new Map<string, { readonly coding: Coding; readonly expression: string }>();
  collect(resource, definitionOf(resource.resourceType), resource.resourceType, (coding, expression) => {
    const key = JSON.stringify([coding.system, coding.code, coding.display]);
    if (!found.has(key) && found.size < mostCodes) found.set(key, { coding, expression });
  });
  const told = await Promise.all([...found.values()].map((one) => verdictOn(codes, one)));
  return told.flatMap((one) => one ?? []);
}

interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

async function verdictOn(
  codes: Client<typeof CodeService>,
  { coding, expression }: { readonly coding: Coding; readonly expression: string },
): Promise<Finding | undefined> {
  // Of a system that is not known here nobody can tell.
  const verdict = await codes.validateCode(coding, calling).catch((error: unknown) => {
    if (isUnknown(error)) return undefined;
    throw error;
  });
  const found = (severity: Finding["severity"], text: string): Finding => ({
    severity,
    code: "code-invalid",
    text,
    expression,
  });
  if (verdict?.fault === Fault.UNKNOWN_CODE) return found("error", "The code system has no such code");
  if (verdict?.fault === Fault.WRONG_DISPLAY) return found("warning", "The display is not that of the code");
  return undefined;
}

function isUnknown(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === 5;
}

/** Every coding, and every quantity with a coded unit, with its place as FHIRPath has it. */
function collect(
  value: FhirValue,
  type: TypeDefinition | undefined,
  place: string,
  tell: (coding: Coding, expression: string) => void,
): void {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) collect(one, type, `${place}[${index}]`, tell);
    return;
  }
  if (!isObject(value)) return;
  const own = type?.kind === "resource" ? definitionOf(String(value.resourceType)) : type;
  const { system, code, display } = value;
  if (typeof system === "string" && typeof code === "string" && system !== "") {
    tell({ system, code, display: typeof display === "string" ? display : "" }, place);
  }
  for (const [name, one] of Object.entries(value)) {
    const property = own?.properties.get(name);
    if (one !== undefined && property !== undefined && !property.companion) {
      collect(one, property.type, `${place}.${property.element.name}`, tell);
    }
  }
}
