import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Connection } from "../api/connection.ts";
import { type Loaded, useLoaded } from "../api/loaded.ts";
import { type Problem, problemOf } from "../api/problem.ts";
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

/** The log as far back as the reader has gone. */
export interface LoadedEntries {
  /** The newest, and after them the older ones that were asked for, without a gap and none twice. */
  readonly loaded: Loaded<Entries>;
  /** Asks for so many older ones; does nothing while others are awaited. */
  loadMore(): void;
  readonly loadingMore: boolean;
  /** Why the older ones did not come. */
  readonly problem: Problem | undefined;
}

/** Older ones, and after which newest they come: they are nothing to others. */
interface Older extends Entries {
  readonly newest: Entries;
}

/** `size`: at first and for each step back. Starts anew where something has changed. */
export function useEntries(connection: Connection, size: number): LoadedEntries {
  const [older, setOlder] = useState<Older>();
  const [problem, setProblem] = useState<Problem>();
  const [loadingMore, setLoadingMore] = useState(false);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const first = useLoaded(
    (signal) => {
      // An answer to what is old by now would leave a gap.
      running.current?.abort();
      setLoadingMore(false);
      setProblem(undefined);
      return entriesOf(connection, { most: size }, signal);
    },
    [connection, size],
  );
  const newest = first.value;
  const after = older !== undefined && older.newest === newest ? older : undefined;
  const value = newest && {
    entries: [...newest.entries, ...(after?.entries ?? [])],
    nextPageToken: (after ?? newest).nextPageToken,
  };
  async function loadMore(): Promise<void> {
    if (newest === undefined || value === undefined || first.loading) return;
    if (running.current !== undefined && !running.current.signal.aborted) return;
    const controller = new AbortController();
    running.current = controller;
    setLoadingMore(true);
    try {
      const options = { most: size, pageToken: value.nextPageToken };
      const { entries, nextPageToken } = await entriesOf(connection, options, controller.signal);
      if (controller.signal.aborted) return;
      setOlder({ newest, entries: [...(after?.entries ?? []), ...entries], nextPageToken });
      setProblem(undefined);
    } catch (error) {
      if (!controller.signal.aborted) setProblem(problemOf(error));
    } finally {
      if (!controller.signal.aborted) {
        running.current = undefined;
        setLoadingMore(false);
      }
    }
  }
  return { loaded: { ...first, value }, loadMore: () => void loadMore(), loadingMore, problem };
}
