import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type LoadedPages, usePages } from "@wellapi/ui/browser/pages";
import type { Connection } from "../api/connection.ts";
import { timestampOf } from "../api/time.ts";
import { askedOf, type LogFilter } from "./filter.ts";

/** The contract's largest page. */
const pageSize = 500;

/** Entries of the log about the patient, the newest first. */
export interface Entries {
  readonly entries: readonly LoggedAccess[];
  /** For older ones; empty: there are none. */
  readonly nextPageToken: string;
}

/** Where few fit a filter, the rest of the log is looked through when its reader asks for more. */
const mostPages = 10;

/**
 * `since`: UTC milliseconds; all that there are unless given. `most`: after so many it stops asking for more pages; `filter`: what has to
 * fit, of a part of the log that is not too long.
 */
export async function entriesOf(
  { audit }: Connection,
  options: {
    readonly since?: number | undefined;
    readonly most: number;
    readonly pageToken?: string;
    readonly filter?: ReturnType<typeof askedOf>;
  },
  signal: AbortSignal,
): Promise<Entries> {
  const { since, most, filter } = options;
  const filtered = filter === undefined ? {} : { filter };
  const interval = since === undefined ? {} : { interval: { startTime: timestampOf(since) } };
  const entries: LoggedAccess[] = [];
  let pageToken = options.pageToken ?? "";
  let pages = 0;
  do {
    const asked = { ...interval, ...filtered, pageSize: Math.min(pageSize, most), pageToken };
    const answer = await audit.listAccesses(asked, { signal });
    entries.push(...answer.accesses);
    pageToken = answer.nextPageToken;
    pages += 1;
  } while (pageToken !== "" && entries.length < most && (filter === undefined || pages < mostPages));
  return { entries, nextPageToken: pageToken };
}

/** `size`: at first and for each step back. */
export function useEntries(
  connection: Connection,
  size: number,
  wanted: Partial<LogFilter> = {},
): LoadedPages<LoggedAccess> {
  const { show = "all", organization = "", category = "", days = 0 } = wanted;
  return usePages(
    async (pageToken, signal) => {
      const filter = askedOf({ show, organization, category });
      const since = days === 0 ? undefined : daysAgo(days);
      const options = { most: size, pageToken, filter, since };
      const { entries, nextPageToken } = await entriesOf(connection, options, signal);
      return { items: entries, nextPageToken };
    },
    [connection, size, show, organization, category, days],
  );
}

/** The beginning of a day of UTC, so that all pages of a list are of one time. */
function daysAgo(days: number): number {
  return (Math.floor(Date.now() / DAY_MS) - days) * DAY_MS;
}

const DAY_MS = 86_400_000;
