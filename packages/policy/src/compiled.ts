import { readFileSync } from "node:fs";
import { assurances, type DataQuestion, type Denial, type Subject } from "./vocabulary.ts";

/**
 * What the default policies alone decide, worked out when the code is generated (scripts/policy-schema.ts): without restrictions
 * of an organization the answer depends on little. So a process that meets none never loads the engine, which costs half a second
 * of CPU and 65 MB.
 */
export interface Compiled {
  /** By the sort of the caller: the RPCs that a `forbid` keeps from it. A sort that is not here has none. */
  readonly calls: Readonly<Record<string, Readonly<Record<string, Denial>>>>;
  /** Of applications, by the sort of the question: those that are refused. */
  readonly data: Readonly<Record<string, Denial>>;
}

export const compiledRoles = {
  member: ["owner", "administrator", "developer", "clinician", "auditor"],
  operator: ["operator", "privacy_officer", "staff_auditor", "support"],
} as const;
export const compiledActors = [
  "guardian",
  "carer",
  "representative",
  "clinician",
  "operator",
  "application",
] as const;
export const compiledPurposes = [
  "treatment",
  "payment",
  "operations",
  "research",
  "patient_request",
  "public_health",
  "emergency",
  "family_request",
] as const;

const file = new URL("../policies/compiled.json", import.meta.url);

export function loadCompiled(): Compiled {
  return JSON.parse(readFileSync(file, "utf8")) as Compiled;
}

/** Undefined for a sort that was not worked out. */
export function callSort({ kind, roles = [], assurance, actor }: Subject): string | undefined {
  const known: readonly string[] = kind === "member" || kind === "operator" ? compiledRoles[kind] : [];
  if (!roles.every((role) => known.includes(role))) return undefined;
  if (actor !== undefined && !compiledActors.some((one) => one === actor)) return undefined;
  if (assurance !== undefined && !assurances.includes(assurance)) return undefined;
  // Of staff without roles it is a script, which has one.
  const held = kind === "operator" && roles.length === 0 ? ["operator"] : [...roles].sort();
  return [kind, assurance ?? "", actor ?? "", ...held].join(" ");
}

/** Undefined for a question that was not worked out. */
export function dataSort({ kind, actor }: Subject, question: DataQuestion): string | undefined {
  if (kind !== "application") return undefined;
  if (actor !== undefined && !compiledActors.some((one) => one === actor)) return undefined;
  const { direction, sensitivity, purpose = "", emergency = false } = question;
  if (direction === "contribute") return `${actor ?? ""} contribute ${sensitivity}`;
  if (!compiledPurposes.some((one) => one === purpose)) return undefined;
  return `${actor ?? ""} read ${sensitivity} ${purpose}${emergency ? " emergency" : ""}`;
}
