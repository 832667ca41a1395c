import { type Captured, homeRegionOf, type Provision, resolutions, type Terms } from "../consent.ts";
import { spans } from "../scope.ts";
import { isFromWithin } from "../sources.ts";

/** Who is concerned, and from when the narrower terms hold: UTC milliseconds. */
export interface Within {
  /** The patient's. */
  readonly partition: string;
  readonly from: number;
}

/**
 * Whether the terms permit nothing beyond others: each permission lies within one of theirs, and so does the validity. What several
 * permit only together is beyond. Denials take away, so they are not looked at.
 *
 * @returns the path of what goes beyond (`validity`, `provisions[1]`); undefined where all lies within
 */
export function beyond(
  terms: Pick<Terms, "provisions" | "validity">,
  asked: Terms,
  where: Within,
): string | undefined {
  if (!spans(asked.validity, terms.validity)) return "validity";
  const from = Math.max(where.from, terms.validity.start ?? where.from);
  const outer = permissions(asked);
  for (const [i, provision] of terms.provisions.entries()) {
    if (provision.effect !== "permit") continue;
    const inside = outer.some(
      (one) =>
        isOfItsKind(provision, one, homeRegionOf(where.partition)) &&
        isCaptured(provision.captured, one.captured, from),
    );
    if (!inside) return `provisions[${i}]`;
  }
  return undefined;
}

/** Whether all that was asked for before is asked for again, perhaps for other times. */
export function asksNoLess(asked: Terms, before: Terms, partition: string): boolean {
  const home = homeRegionOf(partition);
  return permissions(before).every((one) =>
    permissions(asked).some((outer) => isOfItsKind(one, outer, home)),
  );
}

function permissions({ provisions }: Terms): readonly Provision[] {
  return provisions.filter(({ effect }) => effect === "permit");
}

/** Whether a permission lies within another, times apart. */
function isOfItsKind(inner: Provision, outer: Provision, home: string): boolean {
  const { directions, categories, purposes, deIdentification } = inner;
  return (
    directions.every((one) => outer.directions.includes(one)) &&
    categories.every(({ name, version }) =>
      outer.categories.some((one) => one.name === name && one.version === version),
    ) &&
    purposes.every((one) => outer.purposes.includes(one)) &&
    isAsCoarse(inner, outer) &&
    isFromWithin(inner, outer) &&
    (outer.masks ?? []).every((mask) => inner.masks?.includes(mask)) &&
    (outer.deIdentification === undefined || outer.deIdentification === deIdentification) &&
    regionsOf(inner, home).every((one) => regionsOf(outer, home).includes(one))
  );
}

/** Of reading; contributing has no resolution. */
function isAsCoarse(inner: Provision, outer: Provision): boolean {
  if (inner.resolution === undefined) return true;
  return (
    outer.resolution !== undefined &&
    resolutions.indexOf(inner.resolution) >= resolutions.indexOf(outer.resolution)
  );
}

function regionsOf({ regions }: Provision, home: string): readonly string[] {
  return regions.length === 0 ? [home] : regions;
}

/** A window that slides lies within a fixed one that it has entered for good. */
function isCaptured(inner: Captured, outer: Captured, from: number): boolean {
  if (outer.lastMs !== undefined) return inner.lastMs !== undefined && inner.lastMs <= outer.lastMs;
  if (inner.lastMs === undefined) return spans(outer, inner);
  return spans(outer, { start: from - inner.lastMs });
}
