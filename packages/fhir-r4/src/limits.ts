/** What a reader takes, checked before any work. */
export interface ParseLimits {
  /** Of the text, in characters (UTF-16 code units). */
  readonly length: number;
  /** Of objects and arrays, or of XML elements, within each other. */
  readonly depth: number;
}

/** Room for a transaction of thousands of resources; a door sets what its callers may send. */
export const defaultLimits: ParseLimits = { length: 16 * 1024 * 1024, depth: 100 };
