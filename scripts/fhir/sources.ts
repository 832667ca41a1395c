/** What the generator reads of HL7's definitions. */
export interface Bundle {
  readonly entry: readonly { readonly resource: { readonly resourceType: string } }[];
}

export interface StructureDefinition {
  readonly id: string;
  readonly url: string;
  readonly type: string;
  readonly kind: "primitive-type" | "complex-type" | "resource" | "logical";
  readonly derivation?: "specialization" | "constraint";
  readonly abstract?: boolean;
  readonly baseDefinition?: string;
  readonly snapshot: { readonly element: readonly SourceElement[] };
}

export interface SourceElement {
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly base?: { readonly path: string };
  readonly contentReference?: string;
  readonly type?: readonly {
    readonly code: string;
    readonly profile?: readonly string[];
    readonly targetProfile?: readonly string[];
    readonly extension?: readonly { readonly url: string; readonly valueUrl?: string }[];
  }[];
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
  readonly constraint?: readonly SourceConstraint[];
  readonly isSummary?: boolean;
}

export interface SourceConstraint {
  readonly key: string;
  readonly severity: "error" | "warning";
  readonly human: string;
  readonly expression?: string;
}

export interface ValueSet {
  readonly url: string;
  readonly compose?: { readonly include: readonly ValueSetInclude[]; readonly exclude?: readonly unknown[] };
}

export interface ValueSetInclude {
  readonly system?: string;
  readonly concept?: readonly { readonly code: string }[];
  readonly filter?: readonly unknown[];
  readonly valueSet?: readonly string[];
}

export interface CodeSystem {
  readonly url: string;
  readonly content: string;
  readonly concept?: readonly Concept[];
}

export interface Concept {
  readonly code: string;
  readonly concept?: readonly Concept[];
}

export interface SearchParameter {
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly expression?: string;
  readonly target?: readonly string[];
}

/** The last part of a canonical URL, without its version. */
export function nameOf(canonical: string): string {
  return canonical.split("|")[0]!.split("/").at(-1)!;
}
