import { createRequire } from "node:module";
import type {
  CedarValueJson,
  DetailedError,
  EntityJson,
  PolicyJson,
  TypeAndId,
} from "@cedar-policy/cedar-wasm/nodejs";
import { PolicyError } from "./errors.ts";

/**
 * The one file that knows the library, which is WebAssembly and is loaded when it is first used. It holds what is parsed, by
 * name.
 */
const require = createRequire(import.meta.url);
let loaded: typeof import("@cedar-policy/cedar-wasm/nodejs") | undefined;

function cedar() {
  loaded ??= require("@cedar-policy/cedar-wasm/nodejs") as NonNullable<typeof loaded>;
  return loaded;
}

export type { CedarValueJson, EntityJson, PolicyJson, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";

/** A mistake in a policy: where it is in the text, and what to do. */
export interface Mistake {
  readonly message: string;
  readonly help?: string;
  /** Characters from the start of the text. */
  readonly start?: number;
}

export interface Parsed {
  readonly text: string;
  readonly json: PolicyJson;
}

export interface Request {
  readonly principal: TypeAndId;
  readonly action: string;
  readonly resource: TypeAndId;
  readonly context: Record<string, CedarValueJson>;
  readonly entities: EntityJson[];
}

export interface Answer {
  readonly permitted: boolean;
  /** The policies that decided. */
  readonly policies: readonly string[];
  /** Policies that could not be evaluated: the engine skips them, so their caller must refuse. */
  readonly failed: readonly string[];
}

/** The statements of a text, each parsed; or what is wrong with it. */
export function parsePolicies(text: string): readonly Parsed[] | { readonly mistakes: readonly Mistake[] } {
  const parts = cedar().policySetTextToParts(text);
  if (parts.type === "failure") return { mistakes: parts.errors.map(toMistake) };
  const [template] = parts.policy_templates;
  if (template !== undefined) {
    return { mistakes: [{ message: "a template with ?principal or ?resource is no policy" }] };
  }
  const parsed: Parsed[] = [];
  for (const policy of parts.policies) {
    const json = cedar().policyToJson(policy);
    if (json.type === "failure") return { mistakes: json.errors.map(toMistake) };
    parsed.push({ text: policy, json: json.json });
  }
  return parsed;
}

/** The mistakes of policies under a schema: types, unknown names, and policies that can never apply. */
export function mistakesOf(
  schema: string,
  policies: Readonly<Record<string, string>>,
): readonly (Mistake & { readonly policy: string })[] {
  const answer = cedar().validate({ schema, policies: { staticPolicies: { ...policies } } });
  if (answer.type === "failure") {
    return answer.errors.map((error) => ({ policy: "", ...toMistake(error) }));
  }
  const { validationErrors, validationWarnings } = answer;
  // A warning that comes with an error says the same in other words.
  const told = validationErrors.length > 0 ? validationErrors : validationWarnings;
  return told.map(({ policyId, error }) => ({ policy: policyId, ...toMistake(error) }));
}

/** Keeps the schema under a name. @throws PolicyError `invalid_policies` */
export function keepSchema(name: string, schema: string): void {
  const parsed = cedar().checkParseSchema(schema);
  const kept = parsed.type === "success" ? cedar().preparseSchema(name, schema) : parsed;
  if (kept.type === "failure") throw broken("the schema", kept.errors);
}

/** Keeps policies under a name, in place of those before. @throws PolicyError `invalid_policies` */
export function keepPolicies(name: string, policies: Readonly<Record<string, string>>): void {
  const kept = cedar().preparsePolicySet(name, { staticPolicies: { ...policies } });
  if (kept.type === "failure") throw broken("the policies", kept.errors);
}

/** The actions of a schema that apply to something, with the groups that they are in. */
export function actionsIn(schema: string): ReadonlyMap<string, readonly string[]> {
  const read = cedar().schemaToJson(schema);
  if (read.type === "failure") throw broken("the schema", read.errors);
  const actions = Object.values(read.json).flatMap((space) => Object.entries(space.actions));
  return new Map(
    actions
      .filter(([, { appliesTo }]) => (appliesTo?.resourceTypes.length ?? 0) > 0)
      .map(([name, { memberOf = [] }]) => [name, memberOf.map(({ id }) => id)]),
  );
}

/** Decides. @throws PolicyError `invalid_request` for what the schema does not know: an attribute, an action, a type. */
export function authorize(schema: string, policies: string, request: Request): Answer {
  const { principal, action, resource, context, entities } = request;
  const answer = cedar().statefulIsAuthorized({
    principal,
    action: { type: "Action", id: action },
    resource,
    context,
    entities,
    preparsedSchemaName: schema,
    preparsedPolicySetId: policies,
    validateRequest: true,
  });
  if (answer.type === "failure") {
    throw new PolicyError("invalid_request", answer.errors.map(({ message }) => message).join("; "));
  }
  const { decision, diagnostics } = answer.response;
  return {
    permitted: decision === "allow",
    policies: diagnostics.reason,
    failed: diagnostics.errors.map(({ policyId }) => policyId),
  };
}

function broken(what: string, errors: readonly DetailedError[]): PolicyError {
  return new PolicyError("invalid_policies", `${what}: ${errors.map(({ message }) => message).join("; ")}`);
}

function toMistake({ message, help, sourceLocations }: DetailedError): Mistake {
  const start = sourceLocations?.[0]?.start;
  return {
    // The library names policies by ids of its own.
    message: message.replace(/^for policy `[^`]*`, /, ""),
    ...(help ? { help: help.replace(/^for policy `[^`]*`, /, "") } : {}),
    ...(start === undefined ? {} : { start }),
  };
}
