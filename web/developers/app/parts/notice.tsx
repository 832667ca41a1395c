import { ConnectError } from "@connectrpc/connect";
import type { Loaded } from "@wellapi/ui/browser/loaded";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useWords } from "../context.ts";

/** The page's one heading, which names the document, too. */
export function Heading({ children }: { readonly children: string }) {
  useEffect(() => {
    document.title = `${children} · WellAPI`;
  }, [children]);
  return <h1>{children}</h1>;
}

export function Notice(props: {
  readonly kind: "success" | "warning" | "danger";
  readonly children: ComponentChildren;
}) {
  return (
    <div class={`notice stack-close ${props.kind}`} role={props.kind === "success" ? "status" : "alert"}>
      {props.children}
    </div>
  );
}

export function Loading() {
  const words = useWords();
  return (
    <p class="quiet loading" role="status">
      {words.common.loading}
    </p>
  );
}

/** What went wrong, and the way on. */
export function ProblemNotice({ problem, said }: { readonly problem: Problem; readonly said?: string }) {
  const words = useWords();
  return (
    <Notice kind={problem === "refused" || problem === "failed" ? "danger" : "warning"}>
      <p>{words.problems[problem]}</p>
      {said !== undefined && (
        <p class="small breaks" lang="en">
          {said}
        </p>
      )}
      {problem === "confirm" && (
        <a class="button second" href={`/step-up?continue=${encodeURIComponent(location.pathname)}`}>
          {words.common.confirm}
        </a>
      )}
    </Notice>
  );
}

/** What was asked for, once it is there; what was there before, while it is asked for again. */
export function Waited<T>(props: {
  readonly loaded: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}) {
  const { loaded, children } = props;
  return (
    <>
      {loaded.problem !== undefined && <ProblemNotice problem={loaded.problem} />}
      {loaded.value !== undefined ? children(loaded.value) : loaded.loading && <Loading />}
    </>
  );
}

/** Something that the reader does, once at a time. */
export interface Doing {
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  /** What the exchange says is wrong with what was entered. In English, as its messages are. */
  readonly said: string | undefined;
  run(): void;
}

export function useDoing(work: () => Promise<void>): Doing {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [said, setSaid] = useState<string>();
  async function run(): Promise<void> {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      const shown = problemOf(error);
      setProblem(shown);
      setSaid(shown === "failed" ? ConnectError.from(error).rawMessage : undefined);
    } finally {
      setBusy(false);
    }
  }
  return { busy, problem, said, run: () => void run() };
}

/** A button, and below it what went wrong. */
export function DoButton(props: {
  readonly doing: Doing;
  readonly kind?: "second" | "danger";
  readonly children: ComponentChildren;
}) {
  const { doing, kind, children } = props;
  return (
    <>
      <button type="button" class={`button slim ${kind ?? ""}`} aria-busy={doing.busy} onClick={doing.run}>
        {children}
      </button>
      {doing.problem !== undefined && <ProblemNotice problem={doing.problem} said={doing.said} />}
    </>
  );
}

/** A button that asks once more in its place. */
export function ConfirmButton(props: {
  readonly label: string;
  readonly question: string;
  readonly doing: Doing;
}) {
  const { label, question, doing } = props;
  const words = useWords();
  const [asked, setAsked] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  // The button that had the focus is gone.
  useEffect(() => box.current?.focus(), [asked]);
  if (!asked) {
    return (
      <button type="button" class="button slim second" onClick={() => setAsked(true)}>
        {label}
      </button>
    );
  }
  return (
    <div class="stack-close" tabIndex={-1} ref={box}>
      <p role="alert">{question}</p>
      <p class="actions">
        <DoButton kind="danger" doing={doing}>
          {label}
        </DoButton>
        <button type="button" class="button slim second" onClick={() => setAsked(false)}>
          {words.common.cancel}
        </button>
      </p>
    </div>
  );
}
