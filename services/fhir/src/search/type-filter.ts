import { FhirServiceError } from "../errors.ts";
import { isServed } from "../rest/types.ts";
import { type Criteria, criteriaIn, searchNames } from "./query-convert.ts";

/** What an export keeps of a type (`_typeFilter` of Bulk Data Access 2.0): a search without a patient. */
export interface TypeFilter {
  readonly type: string;
  readonly criteria: Criteria;
}

/** Whose resources they are, the consents decide. */
const ofOnePatient: ReadonlySet<string> = new Set(["_id", "patient", "subject"]);

/** Filters in one text: a comma before `<type>?` parts them, as earlier versions of the guide have it; others are of a value. */
export function typeFiltersIn(text: string): readonly string[] {
  return text.split(/,(?=[A-Z][A-Za-z]{1,63}\?)/);
}

/** @param text `Condition?code=I10&clinical-status=active`. Throws INVALID_REQUEST, which names what is not understood. */
export function typeFilterOf(text: string): TypeFilter {
  const mark = text.indexOf("?");
  const type = text.slice(0, Math.max(0, mark));
  if (!isServed(type)) throw wrong("_typeFilter is a search of a served type, as Condition?code=I10");
  const parameters = new URLSearchParams(text.slice(mark + 1));
  const known = searchNames(type).filter((name) => !ofOnePatient.has(name));
  if (parameters.size === 0)
    throw wrong(`a _typeFilter of ${type} has to ask for something: ${known.join(", ")}`);
  if (![...parameters.keys()].every((name) => known.includes(name))) {
    throw wrong(
      `a _typeFilter of ${type} takes ${known.join(", ")}: no patient, nothing of results, no modifiers and no chains`,
    );
  }
  try {
    return { type, criteria: criteriaIn(type, parameters) };
  } catch (error) {
    if (error instanceof FhirServiceError) throw wrong(`_typeFilter: ${error.message}`);
    throw error;
  }
}

function wrong(text: string): FhirServiceError {
  return new FhirServiceError("INVALID_REQUEST", [
    { severity: "error", code: "invalid", text, expression: "_typeFilter" },
  ]);
}
