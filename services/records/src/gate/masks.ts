import type { Contributor } from "../model/contributor.ts";
import type { ConsentPermit } from "./permit.ts";
import { isFromSome, permitsFrom } from "./sources.ts";

/** What can be left out: by which device it was measured; of an observation free text, and who took it. */
export type Mask = "device" | "notes" | "performer";

const none: ReadonlySet<Mask> = new Set();
const all: readonly Mask[] = ["device", "notes", "performer"];

/** Whether any of the permits leaves anything out. */
export function hasMasks(permits: readonly Pick<ConsentPermit, "masks">[]): boolean {
  return permits.some(({ masks }) => masks !== undefined);
}

/** Whether any of the permits hides the device. */
export function hidesDevices(permits: readonly Pick<ConsentPermit, "masks">[]): boolean {
  return permits.some(({ masks }) => masks?.has("device"));
}

/** The permits that tell the device. */
export function naming<P extends Pick<ConsentPermit, "masks">>(permits: readonly P[]): readonly P[] {
  return hidesDevices(permits) ? permits.filter(({ masks }) => !masks?.has("device")) : permits;
}

/** The permits that hide it. */
export function hiding<P extends Pick<ConsentPermit, "masks">>(permits: readonly P[]): readonly P[] {
  return permits.filter(({ masks }) => masks?.has("device"));
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

/**
 * The permits that let through what is told of a contributor. Of data without a device also those that hide it, of whichever device they
 * are: which of them it was would tell the device.
 */
export function permitsTelling<P extends Pick<ConsentPermit, "masks" | "sources">>(
  permits: readonly P[],
  contributor: Contributor,
): readonly P[] {
  const theirs = permitsFrom(permits, contributor);
  if (!isUnnamed(permits, contributor)) return theirs;
  return permits.filter(
    (one) => theirs.includes(one) || (one.masks?.has("device") && isFromSome(one, contributor)),
  );
}

/** Whether what is told without a device may be of some device. */
export function isUnnamed(
  permits: readonly Pick<ConsentPermit, "masks">[],
  { device }: Contributor,
): boolean {
  return device === "" && hidesDevices(permits);
}

/** The masks of a permit in one text; empty: none. */
export function masksText({ masks }: Pick<ConsentPermit, "masks">): string {
  return masks === undefined ? "" : ` without ${[...masks].sort().join(" ")}`;
}
