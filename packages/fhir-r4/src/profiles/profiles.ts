import type { Invariant } from "../definitions.ts";
import table from "../generated/profiles.json" with { type: "json" };
import type { FhirValue } from "../resource.ts";

/** What a profile asks of a type beyond R4 itself (scripts/fhir/profiles.ts writes generated/profiles.json). */
export interface Profile {
  /** Canonical URL. */
  readonly url: string;
  readonly version: string;
  /** The resource type that it is of. */
  readonly type: string;
  readonly root: ProfileNode;
}

/** Of an element, or of a slice of it. */
export interface ProfileNode {
  /** As HL7's path has it: `value[x]`. */
  readonly name: string;
  readonly slice?: string;
  /** How it is told whether a value is of the slice. */
  readonly by?: readonly { readonly type: string; readonly path: string }[];
  readonly min?: number;
  readonly max?: number;
  /** Of a choice. */
  readonly types?: readonly string[];
  readonly fixed?: FhirValue;
  readonly pattern?: FhirValue;
  /** The value set that binds it. */
  readonly codes?: string;
  readonly invariants?: readonly Invariant[];
  readonly children?: readonly ProfileNode[];
}

const entries = table as unknown as Readonly<Record<string, Omit<Profile, "url">>>;

/** The profile of a canonical URL, with its version or without; undefined where it is not judged here. */
export function profileOf(canonical: string): Profile | undefined {
  const [url = "", version] = canonical.split("|");
  if (!Object.hasOwn(entries, url)) return undefined;
  const profile = { url, ...entries[url]! };
  return version === undefined || version === profile.version ? profile : undefined;
}

/** Canonical URLs of the profiles of a resource type that are judged here, sorted. */
export function profilesOf(type: string): readonly string[] {
  return Object.keys(entries)
    .filter((url) => entries[url]!.type === type)
    .sort();
}
