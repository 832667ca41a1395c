import { codeLists } from "@wellapi/fhir-r4";
import type { CodeSystem, KnownCode, ValueSet } from "./catalog.ts";
import { listedSet, listedSystem } from "./listed.ts";

/** HL7's closed lists of FHIR R4, as the validator has them: codes without names. */
export function hl7ValueSets(): readonly ValueSet[] {
  return codeLists().map(({ url, systems }) =>
    listedSet(
      { url, title: titleOf(url), version: "4.0.1" },
      [...systems].flatMap(([system, codes]) => codes.map((code) => codeOf(system, code))),
    ),
  );
}

/** The code systems of these lists. One is complete where a list of its own name has all of it. */
export function hl7CodeSystems(): readonly CodeSystem[] {
  const codes = new Map<string, Set<string>>();
  const complete = new Set<string>();
  for (const { url, systems } of codeLists()) {
    for (const [system, own] of systems) {
      const known = codes.get(system) ?? new Set();
      for (const code of own) known.add(code);
      codes.set(system, known);
      if (systems.size === 1 && titleOf(system) === titleOf(url)) complete.add(system);
    }
  }
  return [...codes].map(([url, known]) =>
    listedSystem(
      { url, title: titleOf(url), version: "4.0.1", complete: complete.has(url) },
      [...known].map((code) => codeOf(url, code)),
    ),
  );
}

function codeOf(system: string, code: string): KnownCode {
  return { system, code, display: "", inactive: false };
}

/** The last part of a canonical URL. */
function titleOf(url: string): string {
  return url.split("/").at(-1)!;
}
