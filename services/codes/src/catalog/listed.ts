import type { CodePage, CodeSystem, KnownCode, PageQuery, ValueSet } from "./catalog.ts";

/** A code system of which the codes are in memory. */
export function listedSystem(
  head: Pick<CodeSystem, "url" | "title" | "version" | "complete">,
  codes: readonly KnownCode[],
): CodeSystem {
  const byCode = new Map(codes.map((one) => [one.code, one]));
  return { ...head, find: async (code) => byCode.get(code) };
}

/** A value set of which the codes are in memory. @param also finds a code that is not listed */
export function listedSet(
  head: Pick<ValueSet, "url" | "title" | "version">,
  codes: readonly KnownCode[],
  also?: (system: string, code: string) => boolean,
): ValueSet {
  return {
    ...head,
    unclosed: also !== undefined,
    async find(system, code) {
      const [found, ...others] = codes.filter(
        (one) => one.code === code && (system === "" || one.system === system),
      );
      if (found !== undefined) return others.length > 0 ? "several" : found;
      if (system === "" || also?.(system, code) !== true) return undefined;
      return { system, code, display: "", inactive: false };
    },
    page: async (query) => pageOf(codes, query),
  };
}

/** Codes that begin with the filter, and those a word of whose display does. */
export function pageOf(codes: readonly KnownCode[], { filter, offset, limit }: PageQuery): CodePage {
  const wanted = filter.toLowerCase();
  const found = filter === "" ? codes : codes.filter((one) => matches(one, wanted));
  return { codes: found.slice(offset, offset + limit), total: found.length };
}

function matches({ code, display }: KnownCode, wanted: string): boolean {
  if (code.toLowerCase().startsWith(wanted)) return true;
  const shown = display.toLowerCase();
  return shown.startsWith(wanted) || shown.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted));
}
