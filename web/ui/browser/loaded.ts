import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { onChange } from "./changes.ts";
import { type Problem, problemOf } from "./problem.ts";

/** What a page waits for. What was there before stays while it is asked for again. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
  readonly loading: boolean;
  reload(): void;
}

/**
 * The answer of `load`, asked for anew where one of the inputs is another, after a change that this page or another tab of it
 * has made, and when the reader comes back to the page.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>({
    value: undefined,
    problem: undefined,
    loading: true,
  });
  const running = useRef<AbortController>(undefined);
  const reload = useCallback(() => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setState((before) => ({ ...before, loading: true }));
    load(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) setState({ value, problem: undefined, loading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setState((before) => ({ ...before, problem: problemOf(error), loading: false }));
      },
    );
  }, inputs);
  useEffect(() => {
    setState({ value: undefined, problem: undefined, loading: true });
    reload();
    const stop = onChange(reload);
    return () => {
      stop();
      running.current?.abort();
    };
  }, [reload]);
  return { ...state, reload };
}
