/**
 * Writes packages/policy/policies/schema.cedarschema: what the policies may speak of, from the contracts. Each public RPC is an
 * action, and what its options say (kinds, roles, assurance, health data) are the groups that it is in. And compiled.json beside
 * it: what the default policies decide alone. `--check` compares with the committed files instead.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { DescEnum, DescMethod } from "@bufbuild/protobuf";
import { CallerKindSchema, type Callers, CallersSchema } from "../gen/wellapi/type/v1/callers_pb.js";
import { PurposeSchema } from "../gen/wellapi/type/v1/vocabulary_pb.js";
import { entryRules } from "../packages/access-log/src/index.ts";
import { callersOf, isPublic } from "../packages/rpc/src/caller/callers.ts";
import { contractServices } from "./manifests/callers-table.ts";

const file = new URL("../packages/policy/policies/schema.cedarschema", import.meta.url);
const compiledFile = new URL("../packages/policy/policies/compiled.json", import.meta.url);

/** One action of the schema. */
export interface Action {
  /** `wellapi.records.v1.RecordsService/ReadSeries` */
  readonly rpc: string;
  readonly groups: readonly string[];
}

/** Verbs of AIP-131 to 136 that change nothing. A method with another one counts as a change. */
const reading = /^(Get|BatchGet|List|Read|Query|Watch|Aggregate|Find|Search|Validate|Explain)(?![a-z])/;

/** The actions of all public RPCs, sorted. */
export async function actionsOf(): Promise<readonly Action[]> {
  const services = (await contractServices()).filter(isPublic);
  const actions = services.flatMap((service) =>
    service.methods.map((method): Action => ({ rpc: rpcOf(method), groups: groupsOf(method) })),
  );
  return actions.sort((a, b) => (a.rpc < b.rpc ? -1 : 1));
}

function rpcOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

function groupsOf(method: DescMethod): readonly string[] {
  const callers = callersOf(method);
  if (callers === undefined) throw new Error(`${rpcOf(method)}: the contract does not say who may call it`);
  const rule = entryRules[method.parent.typeName]?.[method.name];
  const healthData = rule !== undefined && (("entry" in rule && rule.entry === "data") || "by" in rule);
  return [
    method.parent.typeName,
    reading.test(method.name) ? "reads" : "changes",
    ...(healthData ? ["health data"] : []),
    ...callerGroups(callers),
    ...assuranceGroups(callers),
    ...callers.scopes.map((scope) => `scope ${scope}`),
  ];
}

/** A kind with roles is named by both: `by member`, `for owner`. Where the contract names no role, staff means its operators. */
function callerGroups(callers: Callers): readonly string[] {
  const kinds = callers.kinds.map((kind) => nameOf(CallerKindSchema, kind));
  const roles = namesIn(callers, "roles");
  const meant = roles.length === 0 && kinds.includes("operator") ? ["operator"] : roles;
  return [
    ...kinds.filter((kind) => kind !== "service").map((kind) => `by ${kind}`),
    ...meant.map((role) => `for ${role}`),
  ];
}

function assuranceGroups(callers: Callers): readonly string[] {
  const [least] = namesIn(callers, "assurance");
  return least === undefined || least === "code" ? [] : [`needs ${least}`];
}

/** What a field of the option names, lower case: values of enumerations, without the prefix. */
function namesIn(callers: Callers, field: string): readonly string[] {
  const described = CallersSchema.fields.find(({ name }) => name === field);
  if (described?.enum === undefined) return [];
  const value = (callers as unknown as Record<string, number | readonly number[]>)[field] ?? [];
  return [value].flat().flatMap((one) => (one === 0 ? [] : [nameOf(described.enum as DescEnum, one)]));
}

function nameOf(described: DescEnum, number: number): string {
  const value = described.values.find((one) => one.number === number);
  if (value === undefined) throw new Error(`${described.typeName} has no value ${number}`);
  return value.name.slice(described.sharedPrefix?.length ?? 0).toLowerCase();
}

/** Groups that the default policies name, also where no contract puts an RPC into them yet. */
const lasting = [
  "reads",
  "changes",
  "health data",
  ...["anyone", "application", "patient", "person", "member", "operator"].map((kind) => `by ${kind}`),
  ...["owner", "administrator", "developer", "clinician", "auditor"].map((role) => `for ${role}`),
  ...["operator", "privacy_officer", "staff_auditor", "support"].map((role) => `for ${role}`),
  "needs passkey",
  "needs fresh",
];

/** The schema, in Cedar's own notation. */
export function schemaOf(actions: readonly Action[]): string {
  const groups = [...new Set([...lasting, ...actions.flatMap((one) => one.groups)])].sort();
  const purposes = PurposeSchema.values.slice(1).map(({ number }) => nameOf(PurposeSchema, number));
  return `// Generated from proto/ by scripts/policy-schema.ts (make generate). Do not edit.

// Who calls: the kinds of principals of docs/decisions/0039, and their organization.
entity Organization;
// \`actor\`: who acts by way of it: "clinician".
entity Application in [Organization] { actor?: String };
// \`roles\`: "owner", "administrator", "developer", "clinician", "auditor". \`assurance\`: "code", "passkey", "fresh".
entity Member in [Organization] { roles: Set<String>, assurance?: String };
// \`actor\`: who acts in the patient's name: "carer", "guardian", "representative", "operator", "application".
entity Patient { assurance?: String, actor?: String };
entity Person { assurance?: String };
// \`roles\`: "operator", "privacy_officer", "staff_auditor", "support".
entity Operator { roles: Set<String>, assurance?: String };

// What is called: an RPC of the exchange, or data.
entity Exchange;
// \`code\`: of packages/terminology. \`sensitivity\`: that of its most sensitive category: "normal", "restricted", "very_restricted".
entity Data { code: String, categories: Set<String>, sensitivity: String };

// \`address\`: where the call comes from, where that is known. \`hour\` (0 to 23) and \`weekday\` ("monday") are of \`time\` in UTC.
type Call = { address?: ipaddr, time: datetime, hour: Long, weekday: String };
// \`purpose\`: ${purposes.map((one) => `"${one}"`).join(", ")}.
// \`region\`: where the data would be received. \`emergency\`: emergency access, without a consent.
type Reading = { purpose: String, region: String, emergency: Bool };
type Contributing = { region: String };

// Data moves. Decided by the service that has the data.
action "read" appliesTo { principal: [Application, Member, Patient, Person, Operator], resource: [Data], context: Reading };
action "contribute" appliesTo { principal: [Application, Member, Patient, Person, Operator], resource: [Data], context: Contributing };

// Groups of RPCs: what the contracts' options say.
${groups.map((group) => `action "${group}";`).join("\n")}

// RPCs. Decided when the caller's internal token is made.
${actions
  .map(
    ({ rpc, groups: of }) =>
      `action "${rpc}" in [${of.map((group) => `"${group}"`).join(", ")}]\n  appliesTo { principal: [Application, Member, Patient, Person, Operator], resource: [Exchange], context: Call };`,
  )
  .join("\n")}
`;
}

/** What the default policies decide alone, by the committed schema. */
async function compiled(): Promise<string> {
  const { compileDefaults, openPolicyEngine } = await import("../packages/policy/src/index.ts");
  return `${JSON.stringify(compileDefaults(openPolicyEngine()), undefined, 2)}\n`;
}

if (import.meta.main) {
  const fresh = schemaOf(await actionsOf());
  if (!process.argv.includes("--check")) {
    writeFileSync(file, fresh);
    writeFileSync(compiledFile, await compiled());
  } else if (readFileSync(file, "utf8") !== fresh) {
    refuse("packages/policy/policies/schema.cedarschema is not what the contracts say");
  } else if (readFileSync(compiledFile, "utf8") !== (await compiled())) {
    refuse("packages/policy/policies/compiled.json is not what the default policies decide");
  }
}

function refuse(what: string): void {
  process.stdout.write(`${what}; run "make generate"\n`);
  process.exitCode = 1;
}
