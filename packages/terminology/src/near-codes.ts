import { type CodeDefinition, LOINC } from "./definition.ts";

const MOST = 3;
const FARTHEST = 2;
/** A longer text is not a mistyped code. */
const MAX_LENGTH = 64;

/** Accepted codes that a mistyped code may mean, nearest first; ties in the order of `codes`. */
export function nearCodes(codes: readonly CodeDefinition[], code: string, system: string): CodeDefinition[] {
  if (code.length > MAX_LENGTH) return [];
  const wanted = bare(code);
  if (wanted === "") return [];
  return codes
    .map((definition) => ({ definition, away: distance(definition, wanted, system) }))
    .filter(({ away }) => away <= FARTHEST)
    .sort((a, b) => a.away - b.away)
    .slice(0, MOST)
    .map(({ definition }) => definition);
}

/** 0 for the same code in another system, or without its check digit. */
function distance({ code, system: own }: CodeDefinition, wanted: string, system: string): number {
  const known = bare(code);
  if (known === wanted) return 0;
  if (own === LOINC && code.split("-")[0] === wanted) return 0;
  // With two changes any short code becomes any other.
  if (
    Math.min(known.length, wanted.length) <= FARTHEST + 1 ||
    (own !== LOINC && own !== system && system !== "")
  ) {
    return Number.POSITIVE_INFINITY;
  }
  return edits(known, wanted);
}

function bare(code: string): string {
  return code.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** Levenshtein's distance, a row at a time. */
function edits(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > FARTHEST) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
