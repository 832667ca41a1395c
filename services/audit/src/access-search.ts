import type { Interval } from "./access.ts";
import type { StoredAccess } from "./access-repository.ts";

/** An access, opened. */
export interface OpenedAccess {
  readonly stored: StoredAccess;
  /** Nonce and body; undefined where the patient's audit key was destroyed, and where it is damaged. */
  readonly secret: Uint8Array | undefined;
  /** Whether the stored access differs from what was written. */
  readonly damaged: boolean;
}

/** What is looked for among accesses. */
export interface AccessSearch {
  readonly interval: Interval;
  readonly pageSize: number;
  readonly cursor: string | undefined;
  /** Accesses of other organizations are not even opened. Undefined: of all. */
  readonly organization: string | undefined;
  readonly fits: (opened: OpenedAccess) => boolean;
}

/** A page takes whole steps, for only behind each of them is a place to go on from. */
const STEPS_A_PAGE = 4;
/** Accesses that are looked through for one page: some tenths of a second. */
export const mostSearched = 2_000;
const MOST_STEPS = 100;

/** Those that fit, in their order; fewer than a page where many had to be looked through. */
export async function searched(
  { pageSize, cursor: first, fits }: AccessSearch,
  deps: {
    readonly list: (
      limit: number,
      cursor: string | undefined,
    ) => Promise<{ readonly accesses: readonly StoredAccess[]; readonly cursor: string | undefined }>;
    readonly mayFit: (access: StoredAccess) => boolean;
    readonly openSecret: (access: StoredAccess) => Promise<Omit<OpenedAccess, "stored">>;
  },
): Promise<{ readonly accesses: readonly OpenedAccess[]; readonly cursor: string | undefined }> {
  const step = Math.ceil(pageSize / STEPS_A_PAGE);
  const found: OpenedAccess[] = [];
  let cursor = first;
  let [looked, steps] = [0, 0];
  do {
    const page = await deps.list(step, cursor);
    const opened = page.accesses
      .filter(deps.mayFit)
      .map(async (stored) => ({ stored, ...(await deps.openSecret(stored)) }));
    found.push(...(await Promise.all(opened)).filter(fits));
    cursor = page.cursor;
    looked += page.accesses.length;
    steps += 1;
  } while (
    cursor !== undefined &&
    found.length + step <= pageSize &&
    looked < mostSearched &&
    steps < MOST_STEPS
  );
  return { accesses: found, cursor };
}
