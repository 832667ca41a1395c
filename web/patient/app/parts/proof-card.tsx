import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import type { Verdict } from "../proof/proof.ts";
import { Notice, ProblemNotice } from "./notice.tsx";
import { SaveButton } from "./save-button.tsx";

/** The check of the log by this browser, in words. */
export function ProofCard(props: {
  readonly entries: readonly LoggedAccess[];
  readonly onProven: (ids: ReadonlySet<string>) => void;
}) {
  const { words, record } = usePlace();
  const { entries, onProven } = props;
  const says = words.log;
  const [state, setState] = useState<"idle" | "proving" | Verdict | { readonly problem: Problem }>("idle");
  async function prove(): Promise<void> {
    setState("proving");
    try {
      const { checkLog } = await import("../proof/proof.ts");
      const whole = entries.filter(({ access }) => access !== undefined && access.method !== "");
      const verdict = await checkLog(record.connection, whole, Date.now());
      onProven(verdict.kind === "proven" ? verdict.proven : new Set());
      setState(verdict);
    } catch (error) {
      setState({ problem: problemOf(error) });
    }
  }
  return (
    <section class="card stack-close" aria-labelledby="proof">
      <h2 id="proof">{says.proof}</h2>
      <p class="quiet small">{says.proofLead}</p>
      <div aria-live="polite">
        {typeof state === "object" && "kind" in state && <VerdictNotice verdict={state} />}
      </div>
      {typeof state === "object" && "problem" in state && (
        <>
          <ProblemNotice problem={state.problem} />
          <p class="small quiet">{says.unchecked}</p>
        </>
      )}
      <div class="actions">
        <button
          type="button"
          class="button"
          disabled={state === "proving"}
          aria-busy={state === "proving"}
          onClick={() => void prove()}
        >
          {state === "proving" ? says.proving : says.prove}
        </button>
        {typeof state === "object" && "file" in state && (
          <SaveButton name="wellapi-log-proof.json" type="application/json" text={state.file}>
            {says.download}
          </SaveButton>
        )}
      </div>
      {typeof state === "object" && "file" in state && <p class="small quiet">{says.downloadHint}</p>}
      <details class="small">
        <summary>{says.how}</summary>
        <p>{says.howLead}</p>
      </details>
    </section>
  );
}

function VerdictNotice({ verdict }: { readonly verdict: Verdict }) {
  const { words, formats } = usePlace();
  const says = words.log;
  if (verdict.kind === "failed") {
    return (
      <Notice kind="danger">
        <p>
          <strong>{says.failed}</strong>
        </p>
        <p>{says.failedLead}</p>
        {verdict.entry !== undefined && (
          <p class="small">
            {says.failedEntry} <code>{verdict.entry}</code>
          </p>
        )}
      </Notice>
    );
  }
  const { before, brokenAt, proven, pending, size, sizeBefore } = verdict;
  if (brokenAt !== undefined) {
    return (
      <Notice kind="warning">
        <p>
          <strong>{says.broken(formats.moment(brokenAt))}</strong>
        </p>
        <p>{says.brokenLead}</p>
      </Notice>
    );
  }
  return (
    <Notice kind="success">
      <p>
        <strong>
          {before === undefined
            ? says.firstTime(formats.number(size))
            : says.proven(formats.moment(before.time))}
        </strong>
      </p>
      {proven.size > 0 && <p>{says.provenEntries(proven.size)}</p>}
      {pending > 0 && <p>{says.notYet(pending)}</p>}
      {before !== undefined && size > sizeBefore && (
        <p class="small quiet">{says.grown(formats.number(size - sizeBefore))}</p>
      )}
    </Notice>
  );
}
