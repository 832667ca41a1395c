import { createHash } from "node:crypto";
import { LOINC, type Terminology } from "@wellapi/terminology";

/** Longest code of the contracts. */
const MAX_KEY = 64;

/**
 * The key under which what a request names is stored and consented. What no code system here has gets a key that nothing
 * is stored under and no consent holds: it takes the way, and gets the answer, of a code without data or consent.
 */
export function codeKeyOf(
  terminology: Terminology,
  { system, code }: { readonly system: string; readonly code: string },
): string {
  const known = terminology.findCode(code, system);
  if (known !== undefined) return known.code;
  const key = `${system || LOINC}|${code}`;
  return key.length <= MAX_KEY ? key : `|${createHash("sha256").update(key).digest("base64url")}`;
}
