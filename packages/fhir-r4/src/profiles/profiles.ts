import type { Invariant } from "../definitions.ts";
import table from "../generated/profiles.json" with { type: "json" };
import type { FhirValue } from "../resource.ts";

/** What a profile asks of a type beyond R4 itself (scripts/fhir/profiles.ts writes generated/profiles.json). */
export interface Profile {
  /** Canonical URL. */
  readonly url: string;
  /** Those of its guide in which it asks for the same, the newest last. */
  readonly versions: readonly string[];
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
  /** The types that a reference may point to. */
  readonly targets?: readonly string[];
  readonly fixed?: FhirValue;
  readonly pattern?: FhirValue;
  /** The value set that binds it. */
  readonly codes?: string;
  readonly invariants?: readonly Invariant[];
  readonly children?: readonly ProfileNode[];
}

const entries = table as unknown as Readonly<Record<string, Omit<Profile, "url">>>;

/** The version of the profiles that are R4's own: nobody can mean another. */
const ownVersion = "4.0.1";

/** The profile of a canonical URL, with its version or without; undefined where it, or this version of it, is not judged here. */
export function profileOf(canonical: string): Profile | undefined {
  const [url = "", version] = canonical.split("|");
  if (!Object.hasOwn(entries, url)) return undefined;
  const profile = { url, ...entries[url]! };
  return version === undefined || profile.versions.includes(version) ? profile : undefined;
}

/** Whether a canonical URL leaves no doubt which version is meant: it says so, or there is only one. */
export function saysVersion(canonical: string, { versions }: Profile): boolean {
  return canonical.includes("|") || versions.includes(ownVersion);
}

/** Canonical URLs of the profiles of a resource type that are judged here, sorted: those of guides with each version that is. */
export function profilesOf(type: string): readonly string[] {
  return Object.entries(entries)
    .filter(([, profile]) => profile.type === type)
    .flatMap(([url, { versions }]) =>
      versions.includes(ownVersion) ? [url] : versions.map((version) => `${url}|${version}`),
    )
    .sort();
}
