import type { Catalog, KnownCode, ValueSet } from "./catalog/catalog.ts";
import { CodesError } from "./errors.ts";

export interface Judged {
  readonly system: string;
  readonly version: string;
  readonly code: string;
  readonly display: string;
  readonly valueSet: string;
  readonly valueSetVersion: string;
}

export type Fault = "none" | "unknown_code" | "not_in_fragment" | "not_in_value_set" | "wrong_display";

export interface Verdict {
  readonly valid: boolean;
  readonly fault: Fault;
  readonly concept: KnownCode | undefined;
  /** Of the code system, as far as it is known. */
  readonly version: string;
}

/** Judges a code by its code system, and by a value set where one is named. */
export function createJudge(catalog: Catalog): (judged: Judged) => Promise<Verdict> {
  return async (judged) => {
    const { valueSet: url, valueSetVersion, system, display } = judged;
    if (url === "") {
      if (system === "") throw new CodesError("system_required");
      return ofSystem(catalog, judged);
    }
    const set = await catalog.valueSet(url, valueSetVersion);
    if (set === undefined) throw new CodesError("unknown_value_set");
    const concept = await inSet(set, judged);
    if (concept === undefined) return { valid: false, fault: "not_in_value_set", concept, version: "" };
    // A set may list codes without names, which their code system knows.
    const known = concept.display === "" ? await namedBy(catalog, concept) : concept;
    return verdictOn(known, display, "");
  };
}

async function ofSystem(catalog: Catalog, { system: url, version, code, display }: Judged): Promise<Verdict> {
  const system = await catalog.codeSystem(url, version);
  if (system === undefined) throw new CodesError("unknown_code_system");
  const concept = await system.find(code);
  if (concept !== undefined) return verdictOn(concept, display, system.version);
  const fault = system.complete ? "unknown_code" : "not_in_fragment";
  return { valid: false, fault, concept, version: system.version };
}

async function inSet(set: ValueSet, { system, code }: Judged): Promise<KnownCode | undefined> {
  const found = await set.find(system, code);
  if (found === "several") throw new CodesError("system_required");
  return found;
}

async function namedBy(catalog: Catalog, concept: KnownCode): Promise<KnownCode> {
  const system = await catalog.codeSystem(concept.system, "");
  return (await system?.find(concept.code)) ?? concept;
}

function verdictOn(concept: KnownCode, display: string, version: string): Verdict {
  const wrong = display !== "" && concept.display !== "" && !sameDisplay(display, concept.display);
  return { valid: !wrong, fault: wrong ? "wrong_display" : "none", concept, version };
}

/** Displays differ in case and spaces without meaning something else. */
function sameDisplay(one: string, other: string): boolean {
  const bare = (text: string) => text.trim().replace(/\s+/g, " ").toLowerCase();
  return bare(one) === bare(other);
}
