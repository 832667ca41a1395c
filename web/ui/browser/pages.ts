import { useEffect, useRef, useState } from "preact/hooks";
import { type Loaded, useLoaded } from "./loaded.ts";
import { type Problem, problemOf } from "./problem.ts";

export interface Page<T> {
  /** The newest first. */
  readonly items: readonly T[];
  /** For older ones; empty: there are none. */
  readonly nextPageToken: string;
}

/** A list as far back as the reader has gone. */
export interface LoadedPages<T> {
  /** The newest, and after them the older ones that were asked for, without a gap and none twice. */
  readonly loaded: Loaded<Page<T>>;
  /** Asks for the next page; does nothing while one is awaited. */
  loadMore(): void;
  readonly loadingMore: boolean;
  /** Why the older ones did not come. */
  readonly problem: Problem | undefined;
}

/** Older ones, and after which newest they come: they are nothing to others. */
interface Older<T> extends Page<T> {
  readonly newest: Page<T>;
}

/** `load` gets an empty token for the newest. Starts anew as `useLoaded` does. */
export function usePages<T>(
  load: (pageToken: string, signal: AbortSignal) => Promise<Page<T>>,
  inputs: readonly unknown[],
): LoadedPages<T> {
  const [older, setOlder] = useState<Older<T>>();
  const [problem, setProblem] = useState<Problem>();
  const [loadingMore, setLoadingMore] = useState(false);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const first = useLoaded((signal) => {
    // An answer to what is old by now would leave a gap.
    running.current?.abort();
    setLoadingMore(false);
    setProblem(undefined);
    return load("", signal);
  }, inputs);
  const newest = first.value;
  const after = older !== undefined && older.newest === newest ? older : undefined;
  const value = newest && {
    items: [...newest.items, ...(after?.items ?? [])],
    nextPageToken: (after ?? newest).nextPageToken,
  };
  async function loadMore(): Promise<void> {
    if (newest === undefined || value === undefined || first.loading) return;
    if (running.current !== undefined && !running.current.signal.aborted) return;
    const controller = new AbortController();
    running.current = controller;
    setLoadingMore(true);
    try {
      const { items, nextPageToken } = await load(value.nextPageToken, controller.signal);
      if (controller.signal.aborted) return;
      setOlder({ newest, items: [...(after?.items ?? []), ...items], nextPageToken });
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
