import type { Interval } from "../access.ts";
import type { AccessReader } from "../access-reader.ts";
import type { Shown } from "../own-care.ts";
import type { ReadEntry } from "./disclosure.ts";
import { accessIn, toReadEntry } from "./disclosure-convert.ts";

/** Entries that are looked through for one answer: some tenths of a second. */
export const mostLookedThrough = 10_000;
const atOnce = 500;

export interface LookedThrough {
  readonly reads: readonly ReadEntry[];
  /** What was looked through: its beginning may be later than what was asked for. */
  readonly interval: Interval;
  /** Entries that cannot be read any more. */
  readonly unreadable: number;
}

/**
 * Reads of a patient's record by organizations, from the newest of the interval on. `organization`: of this one alone. Throws
 * AuditError `damaged`.
 */
export async function lookThrough(
  reader: Pick<AccessReader, "contents">,
  asked: {
    readonly partition: string;
    readonly interval: Interval;
    readonly organization: string | undefined;
    readonly shown: Shown;
    readonly most?: number;
  },
): Promise<LookedThrough> {
  const { partition, interval, organization, shown, most = mostLookedThrough } = asked;
  const found: { readonly timeMs: number; readonly access: ReturnType<typeof accessIn> }[] = [];
  let looked = 0;
  let oldest = Number.POSITIVE_INFINITY;
  let cursor: string | undefined;
  do {
    const limit = Math.min(atOnce, most - looked);
    const page = await reader.contents(partition, { interval, limit, cursor, organization });
    looked += page.looked;
    oldest = page.oldest ?? oldest;
    for (const { timeMs, secret } of page.contents) {
      const access = accessIn(secret);
      if (shown(access)) found.push({ timeMs, access });
    }
    cursor = page.cursor;
  } while (cursor !== undefined && looked < most);
  // The next page may hold more of the same millisecond.
  const from = cursor === undefined ? interval.from : oldest + 1;
  const kept = cursor === undefined ? found : found.filter(({ timeMs }) => timeMs > oldest);
  return {
    reads: kept.flatMap(({ access }) => (access && toReadEntry(access)) ?? []),
    interval: { ...interval, ...(from !== undefined && { from }) },
    unreadable: kept.filter(({ access }) => access === undefined).length,
  };
}
