/** What may be sent with a code. */
export type CodeRule =
  | { readonly kind: "quantity" }
  /** One of a closed set; `values` are its codes, for the remedy. */
  | { readonly kind: "coded"; readonly valueSystem: string; readonly values: readonly string[] }
  /** Exactly these components. */
  | { readonly kind: "components"; readonly components: readonly string[] };

/** The codes and units that the exchange takes. */
export interface Vocabulary {
  /** Undefined where the code is not accepted; an empty system means LOINC. */
  rule(system: string, code: string): CodeRule | undefined;
  /** Whether some category holds the code, so that a consent can cover it. */
  inSomeCategory(code: string): boolean;
  /** Undefined where the unit may be sent with the code or component; else why not, and what to do. */
  unitFault(
    code: string,
    unit: string,
  ): { readonly reason: "UNIT_UNKNOWN" | "UNIT_WRONG_DIMENSION"; readonly remedy: string } | undefined;
}
