import { codesOfCategories, type Terminology } from "@wellapi/terminology";
import { specificCodesOf } from "../mapping/general-codes.ts";

/** `system|code`; an empty system is any. */
export interface SearchedToken {
  readonly system: string;
  readonly code: string;
}

/** Most codes that one call of *records* takes. */
const most = 64;

/**
 * The codes of the exchange that a search by code and category is about. Undefined: all. Empty: none, so that nobody has to be asked. A code
 * that the exchange does not have may still be of a clinical record.
 */
export function measuredCodes(
  terminology: Terminology,
  codes: readonly SearchedToken[],
  categories: readonly SearchedToken[],
): readonly SearchedToken[] | undefined {
  if (codes.length === 0 && categories.length === 0) return undefined;
  const named = codes.length === 0 ? undefined : new Set(codes.flatMap((one) => codeOf(terminology, one)));
  const tokens = categories.map(({ system, code }) => (system === "" ? code : `${system}|${code}`));
  const within = categories.length === 0 ? undefined : codesOfCategories(terminology, tokens);
  return terminology.codes
    .filter(({ code }) => (named?.has(code) ?? true) && (within?.has(code) ?? true))
    .slice(0, most)
    .map(({ system, code }) => ({ system, code }));
}

function codeOf(terminology: Terminology, { system, code }: SearchedToken): string[] {
  const found =
    system === "" ? terminology.codes.find((one) => one.code === code) : terminology.findCode(code, system);
  return [...(found === undefined ? [] : [found.code]), ...specificCodesOf({ system, code })];
}
