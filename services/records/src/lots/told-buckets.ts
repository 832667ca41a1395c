import type { Aggregate, ExactDecimal } from "@wellapi/series";
import type { Buckets, Part } from "../model/buckets.ts";
import { addExact } from "./exact-sum.ts";
import { countOf, type Lot } from "./lots.ts";
import { formatKey } from "./release.ts";

const ZERO = { mantissa: 0, scale: 0 };

interface Summed {
  count: number;
  sum: ExactDecimal;
}

/**
 * The sums of lots in the buckets that are told: each lot counts in the bucket that holds all of it. One part for
 * each component and unit. Smallest and largest values are withheld; those here have no meaning.
 *
 * @param lots ascending by their start
 */
export function toldParts(lots: readonly Lot[], { edges, told }: Buckets, least: number): Part[] {
  const parts = new Map<string, Part & { readonly summed: Map<number, Summed> }>();
  let bucket = 0;
  for (const lot of lots) {
    while (bucket + 2 < edges.length && edges[bucket + 1]! <= lot.from) bucket++;
    if (!told[bucket] || lot.from < edges[bucket]! || lot.to > edges[bucket + 1]!) continue;
    const count = countOf(lot);
    for (const [c, { coding, unit }] of lot.formats.entries()) {
      const key = formatKey([{ coding, unit }]);
      const part = parts.get(key) ?? { component: coding, unit, buckets: new Map(), summed: new Map() };
      parts.set(key, part);
      const known = part.summed.get(bucket);
      if (known === undefined) part.summed.set(bucket, { count, sum: lot.sums[c]! });
      else {
        known.count += count;
        known.sum = addExact(known.sum, lot.sums[c]!);
      }
    }
  }
  return [...parts.values()].flatMap(({ component, unit, summed }) => {
    const buckets = new Map<number, Aggregate>();
    for (const [i, { count, sum }] of summed) {
      if (count >= least) buckets.set(i, { count, sum, min: ZERO, max: ZERO });
    }
    return buckets.size === 0 ? [] : [{ component, unit, buckets }];
  });
}
