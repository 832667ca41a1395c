import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { RightsRequestSchema } from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import type { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { msOf, timestampOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { Notice, ProblemNotice } from "./notice.tsx";

const kinds = ["rectification", "restriction", "objection", "portability"] as const;
type Kind = (typeof kinds)[number];

interface Draft {
  readonly kind: Kind;
  readonly category: string;
  /** Days, as a date field has them; empty: open. */
  readonly from: string;
  readonly to: string;
  readonly ground: number;
  readonly purpose: number;
  readonly statement: string;
}

const empty = { category: "", from: "", to: "", ground: 1, purpose: 4, statement: "" };

/** What to demand; sent by one press. Closed until it is wanted. */
export function RightsForm(props: {
  readonly rights: Client<typeof RightsService>;
  readonly organization: string;
}) {
  const { words, formats } = usePlace();
  const { rights, organization } = props;
  const says = words.rights;
  const [draft, setDraft] = useState<Draft>({ kind: "rectification", ...empty });
  // Kept until it was sent: a second press after a lost answer makes no second request.
  const [requestId, setRequestId] = useState(() => crypto.randomUUID());
  const [step, setStep] = useState<
    "idle" | "sending" | { readonly due: number } | { readonly problem: Problem }
  >("idle");
  const change = (changed: Partial<Draft>): void => {
    setDraft({ ...draft, ...changed });
    setRequestId(crypto.randomUUID());
    setStep("idle");
  };
  async function send(): Promise<void> {
    setStep("sending");
    try {
      const asked = { organization, right: rightOf(draft), statement: draft.statement.trim() };
      const { rightsRequest } = await rights.createRightsRequest({ rightsRequest: asked, requestId });
      setDraft({ kind: draft.kind, ...empty });
      setRequestId(crypto.randomUUID());
      setStep({ due: lastDayOf(rightsRequest?.dueTime) });
      tellChange();
    } catch (error) {
      setStep({ problem: problemOf(error) });
    }
  }
  const ready = draft.kind !== "rectification" || (draft.category !== "" && draft.statement.trim() !== "");
  return (
    <details>
      <summary>{says.use}</summary>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void send();
        }}
      >
        <Choice
          id="right"
          label={says.which}
          value={draft.kind}
          options={kinds.map((kind) => [kind, says.kinds[kind]])}
          onChange={(kind) => change({ kind: kinds.find((one) => one === kind) ?? "rectification" })}
        />
        <Details draft={draft} change={change} />
        <div class="field">
          <label for="right-words">{draft.kind === "rectification" ? says.wordsWrong : says.words}</label>
          <textarea
            id="right-words"
            rows={4}
            maxLength={2_000}
            required={draft.kind === "rectification"}
            value={draft.statement}
            onInput={(event) => change({ statement: event.currentTarget.value })}
          />
        </div>
        <div aria-live="polite">
          {typeof step === "object" && "due" in step && (
            <Notice kind="success">
              <p>{says.sent(formats.day(step.due))}</p>
            </Notice>
          )}
        </div>
        {typeof step === "object" && "problem" in step && <ProblemNotice problem={step.problem} />}
        <button
          type="submit"
          class="button"
          disabled={!ready || step === "sending"}
          aria-busy={step === "sending"}
        >
          {step === "sending" ? says.sending : says.send}
        </button>
      </form>
    </details>
  );
}

/** What only one right asks for. */
function Details(props: { readonly draft: Draft; readonly change: (changed: Partial<Draft>) => void }) {
  const { words } = usePlace();
  const { draft, change } = props;
  const says = words.rights;
  const numbered = (names: Readonly<Record<number, string>>) => Object.entries(names);
  switch (draft.kind) {
    case "rectification":
      return (
        <>
          <Choice
            id="right-category"
            label={says.category}
            value={draft.category}
            options={[["", "–"], ...Object.entries(words.data.categories)]}
            onChange={(category) => change({ category })}
          />
          <Day id="right-from" label={says.from} value={draft.from} onInput={(from) => change({ from })} />
          <Day id="right-to" label={says.to} value={draft.to} onInput={(to) => change({ to })} />
        </>
      );
    case "restriction":
      return (
        <>
          <p>{says.acts}</p>
          <Choice
            id="right-ground"
            label={says.ground}
            value={String(draft.ground)}
            options={numbered(says.grounds)}
            onChange={(ground) => change({ ground: Number(ground) })}
          />
        </>
      );
    case "objection":
      return (
        <>
          <p>{says.acts}</p>
          <Choice
            id="right-purpose"
            label={says.purpose}
            value={String(draft.purpose)}
            options={numbered(words.home.purposes)}
            onChange={(purpose) => change({ purpose: Number(purpose) })}
          />
        </>
      );
    case "portability":
      return (
        <p>
          {says.portLead} <a href={hrefOf("downloads")}>{says.download}</a>.
        </p>
      );
  }
}

function Day(props: {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}) {
  const { id, label, value, onInput } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} type="date" value={value} onInput={(event) => onInput(event.currentTarget.value)} />
    </div>
  );
}

function rightOf(draft: Draft): MessageInitShape<typeof RightsRequestSchema>["right"] & object {
  switch (draft.kind) {
    case "rectification": {
      const { category, from, to } = draft;
      const capturedWithin = {
        ...(from !== "" && { startTime: timestampOf(midnight(from, 0)) }),
        ...(to !== "" && { endTime: timestampOf(midnight(to, 1)) }),
      };
      const bounded = from === "" && to === "" ? {} : { capturedWithin };
      return { case: "rectification", value: { category, ...bounded } };
    }
    case "restriction":
      return { case: "restriction", value: { ground: draft.ground } };
    case "objection":
      return { case: "objection", value: { purpose: draft.purpose } };
    case "portability":
      return { case: "portability", value: {} };
  }
}

/** A time of the last day on which an organization may answer. The deadline is that day's end in UTC: its noon is of that day nearly everywhere. */
export function lastDayOf(dueTime: Timestamp | undefined): number {
  return msOf(dueTime) - 43_200_000;
}

/** The beginning of a day, or of one so many days later, by the clock of this device; UTC milliseconds. */
function midnight(day: string, later: number): number {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).getTime();
}
