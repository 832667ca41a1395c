import type { Loaded } from "@wellapi/ui/browser/loaded";
import type { Problem } from "@wellapi/ui/browser/problem";
import type { ComponentChildren } from "preact";
import { usePlace } from "../context.ts";

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
  const { words } = usePlace();
  return (
    <p class="quiet loading" role="status">
      {words.common.loading}
    </p>
  );
}

/** What went wrong, and the way on. */
export function ProblemNotice({
  problem,
  again,
}: {
  readonly problem: Problem;
  readonly again?: () => void;
}) {
  const { words } = usePlace();
  return (
    <Notice kind={problem === "refused" || problem === "failed" ? "danger" : "warning"}>
      <p>{words.problems[problem]}</p>
      {problem === "confirm" && (
        <a class="button second" href={`/step-up?continue=${encodeURIComponent(location.pathname)}`}>
          {words.problems.toConfirm}
        </a>
      )}
      {problem !== "confirm" && again !== undefined && (
        <button type="button" class="button second" onClick={again}>
          {words.common.again}
        </button>
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
      {loaded.problem !== undefined && <ProblemNotice problem={loaded.problem} again={loaded.reload} />}
      {loaded.value !== undefined ? children(loaded.value) : loaded.loading && <Loading />}
    </>
  );
}
