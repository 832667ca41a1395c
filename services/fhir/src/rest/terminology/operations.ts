import type { DescMethod } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { FhirResource } from "@wellapi/fhir-r4";
import { CodeService } from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import type { HttpRequest } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { calling } from "../exchange.ts";
import { expanded, judged, lookedUp, translated } from "./answers.ts";
import { type Asked, askedOf, oneCoding } from "./asked.ts";

/** An operation of FHIR's terminology service (FHIR R4, 4.7), on a type. */
export interface TerminologyOperation {
  readonly type: "CodeSystem" | "ValueSet" | "ConceptMap";
  /** Without the dollar. */
  readonly name: string;
  /** The RPC that a body is for. */
  readonly rpc: DescMethod;
  run(codes: Client<typeof CodeService>, request: HttpRequest): Promise<FhirResource>;
}

const { lookupCode, validateCode, expandValueSet, translateCode } = CodeService.method;

export const terminologyOperations: readonly TerminologyOperation[] = [
  { type: "CodeSystem", name: "lookup", rpc: lookupCode, run: lookup },
  { type: "CodeSystem", name: "validate-code", rpc: validateCode, run: validateInSystem },
  { type: "ValueSet", name: "validate-code", rpc: validateCode, run: validateInSet },
  { type: "ValueSet", name: "expand", rpc: expandValueSet, run: expand },
  { type: "ConceptMap", name: "translate", rpc: translateCode, run: translate },
];

type Run = TerminologyOperation["run"];

async function lookup(...[codes, request]: Parameters<Run>): Promise<FhirResource> {
  const asked = askedOf(request, ["code", "system", "version", "coding", "property"]);
  const { system, version, code } = oneCoding(asked, "system", "version");
  return lookedUp(await codes.lookupCode({ system, version, code }, calling), asked.text("property"));
}

async function validateInSystem(...[codes, request]: Parameters<Run>): Promise<FhirResource> {
  const asked = askedOf(request, ["url", "code", "version", "display", "coding", "codeableConcept"]);
  const url = asked.text("url");
  // Codings of other systems are not asked about.
  const meant = codingsOf(asked, "url", "version").filter(
    ({ system }) => url === "" || system === url || system === "",
  );
  if (meant.length === 0)
    throw new FhirServiceError("INVALID_REQUEST", "There is no coding of the code system url");
  return judged(
    await Promise.all(
      meant.map((one) =>
        codes.validateCode({ ...one, system: one.system === "" ? url : one.system }, calling),
      ),
    ),
  );
}

async function validateInSet(...[codes, request]: Parameters<Run>): Promise<FhirResource> {
  const asked = askedOf(request, [
    "url",
    "valueSetVersion",
    "code",
    "system",
    "systemVersion",
    "display",
    "coding",
    "codeableConcept",
  ]);
  const { url: valueSet, version } = setOf(asked);
  const codings = codingsOf(asked, "system", "systemVersion");
  return judged(
    await Promise.all(
      codings.map((one) => codes.validateCode({ ...one, valueSet, valueSetVersion: version }, calling)),
    ),
  );
}

async function expand(...[codes, request]: Parameters<Run>): Promise<FhirResource> {
  const asked = askedOf(request, ["url", "valueSetVersion", "filter", "offset", "count"]);
  const { url: valueSet, version } = setOf(asked);
  const filter = asked.text("filter");
  const offset = asked.count("offset") ?? 0;
  const count = asked.count("count");
  const pageSize = count === 0 ? 1 : (count ?? 0);
  const answer = await codes.expandValueSet({ valueSet, version, filter, offset, pageSize }, calling);
  return expanded({ url: valueSet, filter, offset, count }, answer, new Date());
}

async function translate(...[codes, request]: Parameters<Run>): Promise<FhirResource> {
  const asked = askedOf(request, ["url", "code", "system", "coding", "targetsystem", "reverse"]);
  const { system, code } = oneCoding(asked, "system", "version");
  const targetSystem = asked.text("targetsystem");
  const reverse = asked.flag("reverse");
  const conceptMap = asked.text("url");
  return translated(await codes.translateCode({ conceptMap, system, code, targetSystem, reverse }, calling));
}

/** The codings that are to be judged: of `codeableConcept`, or the one. */
function codingsOf(asked: Asked, system: string, version: string) {
  return asked.concept() ?? [oneCoding(asked, system, version)];
}

/** The value set by its canonical URL: `url|version`, or with `valueSetVersion`. */
function setOf(asked: Asked): { readonly url: string; readonly version: string } {
  const [url = "", version = ""] = asked.text("url").split("|");
  if (url !== "") return { url, version: version === "" ? asked.text("valueSetVersion") : version };
  throw new FhirServiceError(
    "INVALID_REQUEST",
    "url has to be the canonical URL of a value set: one that is sent whole is not taken",
  );
}
