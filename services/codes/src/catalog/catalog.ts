/** A code as it is known here. */
export interface KnownCode {
  readonly system: string;
  readonly code: string;
  /** Empty: only the code is known. */
  readonly display: string;
  readonly inactive: boolean;
}

export interface Property {
  readonly name: string;
  readonly value: string;
}

export interface CodeSystem {
  readonly url: string;
  readonly title: string;
  /** Empty: it has none. */
  readonly version: string;
  /** Whether every code of it is known: of a fragment, a code that is not found may be right. */
  readonly complete: boolean;
  find(code: string): Promise<KnownCode | undefined>;
}

/** Part of the codes of a value set. */
export interface CodePage {
  readonly codes: readonly KnownCode[];
  /** In all pages; undefined where it is not known. */
  readonly total: number | undefined;
}

/** Which part. `filter` is empty where all are meant. */
export interface PageQuery {
  readonly filter: string;
  readonly offset: number;
  readonly limit: number;
}

export interface ValueSet {
  readonly url: string;
  readonly title: string;
  readonly version: string;
  /** Holds codes that `page` does not list. */
  readonly unclosed: boolean;
  /**
   * The code in it. @param system empty: of whatever system
   * @returns `several` where codes of several systems are meant
   */
  find(system: string, code: string): Promise<KnownCode | "several" | undefined>;
  /** In a fixed order. Throws `expansion_too_costly`. */
  page(query: PageQuery): Promise<CodePage>;
}

/** What code systems and value sets there are; `version` empty: the one that answers now. */
export interface Catalog {
  codeSystem(url: string, version: string): Promise<CodeSystem | undefined>;
  valueSet(url: string, version: string): Promise<ValueSet | undefined>;
}

/** The first catalog that knows it answers. */
export function firstOf(catalogs: readonly Catalog[]): Catalog {
  const first = async <T>(find: (catalog: Catalog) => Promise<T | undefined>): Promise<T | undefined> => {
    for (const catalog of catalogs) {
      const found = await find(catalog);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    codeSystem: (url, version) => first((catalog) => catalog.codeSystem(url, version)),
    valueSet: (url, version) => first((catalog) => catalog.valueSet(url, version)),
  };
}
