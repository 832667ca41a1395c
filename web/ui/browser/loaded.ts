import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { onChange } from "./changes.ts";
import { type Problem, problemOf } from "./problem.ts";

/** What a page waits for. What was there before stays while it is asked for again. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
  readonly loading: boolean;
  reload(): void;
}

type Answered<T> = Omit<Loaded<T>, "reload">;

interface State<T> extends Answered<T> {
  /** To which inputs, by identity. */
  readonly of: object;
}

const awaited = { value: undefined, problem: undefined, loading: true } as const;

/**
 * The answer of `load`, asked for anew where one of the inputs is another, after a change that this page or another tab of it
 * has made, and when the reader comes back to the page.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): Loaded<T> {
  // What was answered to other inputs is nothing here, not even for one picture.
  const of = useMemo(() => ({}), inputs);
  const [state, setState] = useState<State<T>>({ ...awaited, of });
  const running = useRef<AbortController>(undefined);
  const reload = useCallback(() => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const become = (next: (before: Answered<T>) => Answered<T>): void =>
      setState((before) => ({ ...next(before.of === of ? before : awaited), of }));
    become((before) => ({ ...before, loading: true }));
    load(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) become(() => ({ value, problem: undefined, loading: false }));
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        become((before) => ({ ...before, problem: problemOf(error), loading: false }));
      },
    );
  }, [of]);
  // Not after the picture of waiting: the question leaves before it is drawn.
  useLayoutEffect(() => {
    reload();
    const stop = onChange(reload);
    return () => {
      stop();
      running.current?.abort();
    };
  }, [reload]);
  const { value, problem, loading } = state.of === of ? state : awaited;
  return { value, problem, loading, reload };
}
