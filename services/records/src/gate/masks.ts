import type { Contributor } from "../model/contributor.ts";
import type { ConsentPermit } from "./permit.ts";
import { permitsFrom } from "./sources.ts";

/** What can be left out of an observation: free text, and who took it. */
export type Mask = "notes" | "performer";

const none: ReadonlySet<Mask> = new Set();
const all: readonly Mask[] = ["notes", "performer"];

/** Whether any of the permits leaves anything out. */
export function hasMasks(permits: readonly Pick<ConsentPermit, "masks">[]): boolean {
  return permits.some(({ masks }) => masks !== undefined);
}

/** The permits that leave nothing out. */
export function unmasked<P extends Pick<ConsentPermit, "masks">>(permits: readonly P[]): readonly P[] {
  return hasMasks(permits) ? permits.filter(({ masks }) => masks === undefined) : permits;
}

/**
 * What is left out of data of one contributor, captured then, that the permits let through: what each of those leaves out that are
 * about it.
 */
export function masksAt(
  permits: readonly ConsentPermit[],
  contributor: Contributor,
  time: number,
): ReadonlySet<Mask> {
  if (!hasMasks(permits)) return none;
  const about = permitsFrom(permits, contributor).filter(
    ({ window }) => window.from <= time && time < window.to,
  );
  return new Set(all.filter((mask) => about.every(({ masks }) => masks?.has(mask))));
}

/** The masks of a permit in one text; empty: none. */
export function masksText({ masks }: Pick<ConsentPermit, "masks">): string {
  return masks === undefined ? "" : ` without ${[...masks].sort().join(" ")}`;
}
