import type { ComponentChildren } from "preact";
import { type Doing, ProblemNotice } from "./notice.tsx";

/** Fields, a button that makes something of them, and below it what went wrong. */
export function CreationForm(props: {
  readonly doing: Doing;
  readonly action: string;
  readonly children: ComponentChildren;
}) {
  const { doing, action, children } = props;
  return (
    <>
      <form
        class="stack-close"
        onSubmit={(event) => {
          event.preventDefault();
          doing.run();
        }}
      >
        {children}
        <button type="submit" class="button" aria-busy={doing.busy}>
          {action}
        </button>
      </form>
      {doing.problem !== undefined && <ProblemNotice problem={doing.problem} said={doing.said} />}
    </>
  );
}
