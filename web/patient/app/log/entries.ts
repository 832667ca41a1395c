import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type LoadedPages, usePages } from "@wellapi/ui/browser/pages";
import type { Connection } from "../api/connection.ts";
import { timestampOf } from "../api/time.ts";

/** The contract's largest page. */
const pageSize = 500;

/** Entries of the log about the patient, the newest first. */
export interface Entries {
  readonly entries: readonly LoggedAccess[];
  /** For older ones; empty: there are none. */
  readonly nextPageToken: string;
}

/** `since`: UTC milliseconds; all that there are unless given. `most`: after so many it stops asking for more pages. */
export async function entriesOf(
  { audit }: Connection,
  options: { readonly since?: number; readonly most: number; readonly pageToken?: string },
  signal: AbortSignal,
): Promise<Entries> {
  const { since, most } = options;
  const interval = since === undefined ? {} : { interval: { startTime: timestampOf(since) } };
  const entries: LoggedAccess[] = [];
  let pageToken = options.pageToken ?? "";
  do {
    const asked = { ...interval, pageSize: Math.min(pageSize, most), pageToken };
    const answer = await audit.listAccesses(asked, { signal });
    entries.push(...answer.accesses);
    pageToken = answer.nextPageToken;
  } while (pageToken !== "" && entries.length < most);
  return { entries, nextPageToken: pageToken };
}

/** `size`: at first and for each step back. */
export function useEntries(connection: Connection, size: number): LoadedPages<LoggedAccess> {
  return usePages(
    async (pageToken, signal) => {
      const { entries, nextPageToken } = await entriesOf(connection, { most: size, pageToken }, signal);
      return { items: entries, nextPageToken };
    },
    [connection, size],
  );
}
