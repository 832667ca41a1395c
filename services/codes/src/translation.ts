import type { KnownCode } from "./catalog/catalog.ts";
import type { ConceptMap, Mapping } from "./catalog/vendor-maps.ts";
import { CodesError } from "./errors.ts";

export interface Translation {
  /** Canonical URL. */
  readonly conceptMap: string;
  /** Undefined: it is known that there is none. */
  readonly target: KnownCode | undefined;
  readonly comment: string;
}

export interface Translated {
  /** Canonical URL; empty: every map. */
  readonly conceptMap: string;
  readonly system: string;
  readonly code: string;
  /** Empty: any. */
  readonly targetSystem: string;
  /** From the maps' targets to their sources. */
  readonly reverse: boolean;
}

/** What the maps say of a code. Throws `unknown_concept_map`. */
export function translate(maps: readonly ConceptMap[], asked: Translated): readonly Translation[] {
  const { conceptMap, system, code, targetSystem, reverse } = asked;
  const meant = conceptMap === "" ? maps : maps.filter(({ url }) => url === conceptMap);
  if (meant.length === 0) throw new CodesError("unknown_concept_map");
  return meant.flatMap(({ url, mappings }) =>
    mappings
      .filter((one) => isOf(reverse ? one.target : one.source, system, code))
      .map((one) => ({ conceptMap: url, target: reverse ? sourceOf(one) : one.target, comment: one.comment }))
      .filter(({ target }) => targetSystem === "" || target === undefined || target.system === targetSystem),
  );
}

function isOf(one: Mapping["source"] | undefined, system: string, code: string): boolean {
  return one !== undefined && one.system === system && one.code === code;
}

function sourceOf({ source }: Mapping): KnownCode {
  return { ...source, display: "", inactive: false };
}
