import { type CodeDefinition, LOINC } from "./definition.ts";

const MOST = 3;
const FARTHEST = 2;
/** After every code that is mistyped. */
const BY_NAME = FARTHEST + 1;
const FAR = BY_NAME + 1;
/** A longer text is not a mistyped code. */
const MAX_LENGTH = 64;

/**
 * Accepted codes that a mistyped code may mean, nearest first; ties in the order of `codes`. After them those whose name
 * has every word of it: `heart-rate` and `HeartRate` for 8867-4 (Heart rate).
 */
export function nearCodes(codes: readonly CodeDefinition[], code: string, system: string): CodeDefinition[] {
  if (code.length > MAX_LENGTH) return [];
  const wanted = bare(code);
  if (wanted === "") return [];
  const words = wordsOf(code);
  return codes
    .map((definition) => ({
      definition,
      away: Math.min(distance(definition, wanted, system), isNamed(definition, words) ? BY_NAME : FAR),
    }))
    .filter(({ away }) => away < FAR)
    .sort((a, b) => a.away - b.away)
    .slice(0, MOST)
    .map(({ definition }) => definition);
}

/** Tells them to a caller: `perhaps 8867-4 (Heart rate)`. Undefined for none. */
export function proposalOf(near: readonly CodeDefinition[]): string | undefined {
  if (near.length === 0) return undefined;
  const named = near.map(
    ({ code, display, system }) => `${code} (${display}${system === LOINC ? "" : `, of ${system}`})`,
  );
  return `perhaps ${named.join(", ")}`;
}

/** Lower case; `heartRate` is two words. Single letters and numbers say nothing. */
function wordsOf(text: string): string[] {
  const parted = text.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return parted.match(/[a-z]{3,}/g) ?? [];
}

function isNamed({ display }: CodeDefinition, words: readonly string[]): boolean {
  if (words.length === 0) return false;
  const name = ` ${display.toLowerCase()}`;
  return words.every((word) => name.includes(` ${word}`));
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
  const away = edits(known, wanted);
  return away <= FARTHEST ? away : Number.POSITIVE_INFINITY;
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
