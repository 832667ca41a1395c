import type { FhirResource } from "@wellapi/fhir-r4";
import { isObject } from "@wellapi/fhir-r4";
import type { Positions } from "./cursor.ts";
import { type Fetched, type Found, nothing, type Source } from "./source.ts";

/** A page of Observations from several sources, in one order. */
export interface ObservationPage {
  readonly found: readonly Found[];
  readonly positions: Positions;
}

/** What a page holds, in characters, before it ends: one Observation of them may have much. */
const mostText = 1_000_000;

/**
 * The next `count` of all sources, merged. The page ends before `count` where a source may have more than it has given: what it has might
 * come next.
 */
export async function mergedPage(
  sources: readonly Source[],
  positions: Positions,
  count: number,
  descending: boolean,
): Promise<ObservationPage> {
  const fetched = await Promise.all(
    sources.map((source, at) => {
      const position = positions[at];
      return position === undefined ? nothing : source.fetch(position, count);
    }),
  );
  const told = fetched.map(() => 0);
  const found: Found[] = [];
  let text = 0;
  while (found.length < count && text < mostText) {
    const next = nextOf(fetched, told, descending);
    if (next === undefined) break;
    const one = fetched[next]!.found[told[next]!]!;
    told[next]!++;
    found.push(one);
    text += one.text?.length ?? textOf(one.resource);
  }
  return { found, positions: await Promise.all(fetched.map((one, at) => one.after(told[at]!))) };
}

/** The source whose first comes next; undefined at the end, or where that is not known. */
function nextOf(
  fetched: readonly Fetched[],
  told: readonly number[],
  descending: boolean,
): number | undefined {
  let next: number | undefined;
  for (const [at, { found, more }] of fetched.entries()) {
    const one = found[told[at]!];
    if (one === undefined && more) return undefined;
    if (one === undefined) continue;
    const best = next === undefined ? undefined : fetched[next]!.found[told[next]!]!;
    if (best === undefined || (descending ? one.ms > best.ms : one.ms < best.ms)) next = at;
  }
  return next;
}

function textOf({ valueSampledData, component }: FhirResource): number {
  const parts = [
    valueSampledData,
    ...(Array.isArray(component) ? component.map((one) => isObject(one) && one.valueSampledData) : []),
  ];
  return parts.reduce<number>(
    (sum, part) => sum + (isObject(part) && typeof part.data === "string" ? part.data.length : 0),
    200,
  );
}
