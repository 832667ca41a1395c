import { createClient } from "@connectrpc/connect";
import {
  type RightsAnswer,
  type RightsRequest,
  RightsRequest_State as State,
} from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useMemo, useState } from "preact/hooks";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { isUndecided, rightsRequests } from "../sharing/rights.ts";
import { categoriesText } from "../words/names.ts";
import { ProblemNotice, Waited } from "./notice.tsx";
import { ReceiptButton } from "./receipt-button.tsx";
import { lastDayOf, RightsForm } from "./rights-form.tsx";

/** What the patient demands of an organization, what it answers, and until when it must. */
export function RightsCard({ organization }: { readonly organization: string }) {
  const { words, record } = usePlace();
  const says = words.rights;
  const { transport } = record.connection;
  const rights = useMemo(() => createClient(RightsService, transport), [transport]);
  const loaded = useLoaded(
    (signal) => rightsRequests(rights, { organization }, signal),
    [rights, organization],
  );
  return (
    <section class="card stack-close" aria-labelledby="rights">
      <h2 id="rights">{says.title}</h2>
      <p class="small quiet">{says.lead}</p>
      <Waited loaded={loaded}>
        {(found) =>
          found.length > 0 && (
            <ol class="timeline">
              {found.map((request) => (
                <li key={request.id}>
                  <Demanded
                    request={request}
                    onWithdraw={async () => {
                      await rights.withdrawRightsRequest({ rightsRequest: request.id });
                      tellChange();
                    }}
                  />
                </li>
              ))}
            </ol>
          )
        }
      </Waited>
      {/* A representative looks after a record that is frozen: it demands nothing any more. */}
      {record.as !== "representative" && <RightsForm rights={rights} organization={organization} />}
    </section>
  );
}

function Demanded(props: { readonly request: RightsRequest; readonly onWithdraw: () => Promise<void> }) {
  const { words, formats, record } = usePlace();
  const { request, onWithdraw } = props;
  const { id, right, statement, createTime, dueTime, state, answers, withdrawTime, denial, denied } = request;
  const [step, setStep] = useState<"idle" | "withdrawing" | Problem>("idle");
  const says = words.rights;
  const due = formats.day(lastDayOf(dueTime));
  async function withdraw(): Promise<void> {
    setStep("withdrawing");
    try {
      await onWithdraw();
      setStep("idle");
    } catch (error) {
      setStep(problemOf(error));
    }
  }
  const over = state === State.WITHDRAWN || (state === State.FULFILLED && denial === "");
  return (
    <>
      <p>
        <strong>{right.case === undefined ? "" : says.kinds[right.case]}</strong>
      </p>
      <p class="small quiet">{says.asked(formats.day(msOf(createTime)))}</p>
      <About right={right} />
      {statement !== "" && <blockquote class="letter">{statement}</blockquote>}
      {denial !== "" && <p>{denied ? says.denied : says.notDenied}</p>}
      {right.case === "rectification" && isUndecided(request) && <p>{says.marked}</p>}
      {state === State.OPEN && <p>{says.open(due)}</p>}
      {state === State.OVERDUE && <p class="warning-text">{says.overdue(due)}</p>}
      {answers.map((answer, i) => (
        <Answer answer={answer} key={`${id} ${i}`} />
      ))}
      {withdrawTime !== undefined && <p>{says.withdrawn(formats.day(msOf(withdrawTime)))}</p>}
      <ReceiptButton
        name={id}
        decision={{ case: "rightsStep", value: { rightsRequest: id, answer: answers.length } }}
        lead={answers.length === 0 ? says.receiptLead : words.disclosures.receiptLead}
        key={answers.length}
      />
      {step !== "idle" && step !== "withdrawing" && (
        <ProblemNotice problem={step} again={() => void withdraw()} />
      )}
      {!over && record.as !== "representative" && (
        <button
          type="button"
          class="button second"
          disabled={step === "withdrawing"}
          aria-busy={step === "withdrawing"}
          onClick={() => void withdraw()}
        >
          {step === "withdrawing" ? says.withdrawing : says.withdraw}
        </button>
      )}
    </>
  );
}

/** What a demand is about. */
export function About({ right }: Pick<RightsRequest, "right">) {
  const { words, formats } = usePlace();
  const says = words.rights;
  switch (right.case) {
    case "rectification": {
      const { category, capturedWithin } = right.value;
      const start = capturedWithin?.startTime && formats.day(msOf(capturedWithin.startTime));
      // The end lies outside: the last day is the one before.
      const end = capturedWithin?.endTime && formats.day(msOf(capturedWithin.endTime) - 1);
      const days = [start, end].filter((day) => day !== undefined).join(" – ");
      const kind = categoriesText(words, formats, [category]);
      return <p class="small">{says.about(days === "" ? kind : `${kind}, ${days}`)}</p>;
    }
    case "restriction": {
      const { ground, categories } = right.value;
      const kinds = categories.length === 0 ? [] : [categoriesText(words, formats, categories)];
      return <p class="small">{[says.grounds[ground], ...kinds].join(". ")}</p>;
    }
    case "objection":
      return <p class="small">{words.home.purposes[right.value.purpose]}</p>;
    default:
      return null;
  }
}

function Answer({ answer: { answer, time } }: { readonly answer: RightsAnswer }) {
  const { words, formats } = usePlace();
  const says = words.rights;
  const day = formats.day(msOf(time));
  switch (answer.case) {
    case "extended":
      return (
        <>
          <p>{says.extended(day)}</p>
          <blockquote class="letter">{answer.value.reason}</blockquote>
        </>
      );
    case "fulfilled":
      return (
        <>
          <p>{says.fulfilled(day)}</p>
          <blockquote class="letter">{answer.value.statement}</blockquote>
        </>
      );
    case "refused":
      return (
        <>
          <p>
            {says.refused(day)} {says.reasons[answer.value.reason]}
          </p>
          <blockquote class="letter">{answer.value.explanation}</blockquote>
          <p>{says.remedies}:</p>
          <blockquote class="letter">{answer.value.remedies}</blockquote>
        </>
      );
    default:
      return null;
  }
}
