import { createHash } from "node:crypto";
import { LOINC, type Terminology } from "@wellapi/terminology";

/** Longest code of the contracts. */
const MAX_KEY = 64;

/**
 * The key under which the requested code is stored and consented. A code that no code system here has gets a key
 * without data and without consents: its request takes the same path, and gets the same answer, as a code without
 * data or consent.
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
