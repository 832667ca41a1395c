import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useMemo, useState } from "preact/hooks";
import { organizationsOf } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import { consentsOf } from "../sharing/consents.ts";
import { grantOf, nothingOf, offerOf, ownDays, ownPurposes } from "../sharing/own-grant.ts";
import { permissionsOf } from "../sharing/permission.ts";
import type { Choice as RequestChoice } from "../sharing/request-choice.ts";
import { allCategories } from "../words/names.ts";
import { Notice, ProblemNotice, Waited } from "./notice.tsx";
import { PreviewCard } from "./preview-card.tsx";
import { ProvisionFields, type Senders } from "./request-terms.tsx";

/** What the patient lets an organization see of their own accord, without having been asked. */
export function GrantCard({ organization }: { readonly organization: string }) {
  const { words, record } = usePlace();
  const says = words.sources;
  const [open, setOpen] = useState(false);
  const [done, setDone] = useState(false);
  if (record.as === "representative") return null;
  return (
    <>
      <section class="card stack-close" aria-labelledby="grant">
        <h2 id="grant">{says.grant}</h2>
        <p class="small quiet">{says.grantLead}</p>
        <div aria-live="polite">
          {done && (
            <Notice kind="success">
              <p>{says.granted}</p>
            </Notice>
          )}
        </div>
        {!open && (
          <button type="button" class="button second" onClick={() => setOpen(true)}>
            {says.choose}
          </button>
        )}
      </section>
      {open && (
        <Form
          organization={organization}
          onDone={() => {
            setOpen(false);
            setDone(true);
            tellChange();
          }}
        />
      )}
    </>
  );
}

function Form({ organization, onDone }: { readonly organization: string; readonly onDone: () => void }) {
  const { record } = usePlace();
  const { connection } = record;
  const loaded = useLoaded(
    async (signal) => {
      const all = permissionsOf(await consentsOf(connection, signal));
      const sending = all.filter(({ contributes }) => contributes.length > 0);
      return organizationsOf(
        connection,
        sending.map((one) => one.organization),
      );
    },
    [connection],
  );
  return (
    <Waited loaded={loaded}>
      {(senders) => <Fields organization={organization} senders={senders} onDone={onDone} />}
    </Waited>
  );
}

function Fields(props: {
  readonly organization: string;
  readonly senders: Senders;
  readonly onDone: () => void;
}) {
  const { organization, senders, onDone } = props;
  const { words, record } = usePlace();
  const { sources: says, requests, home } = words;
  const [purpose, setPurpose] = useState(ownPurposes[0]!);
  const request = useMemo(() => offerOf(organization, allCategories(words), purpose), [purpose]);
  const [choice, setChoice] = useState<RequestChoice>(() => nothingOf(request));
  const [state, setState] = useState<"idle" | "sending" | "empty" | Problem>("idle");
  const value = useMemo(() => grantOf(request, choice, Date.now()), [request, choice]);
  async function send(): Promise<void> {
    if (value === undefined) {
      setState("empty");
      return;
    }
    setState("sending");
    try {
      await record.connection.consents.createConsent({ requestId: crypto.randomUUID(), consent: value });
      onDone();
    } catch (error) {
      setState(problemOf(error));
    }
  }
  return (
    <>
      <div class="card stack">
        <ProvisionFields
          at={0}
          legend={says.what}
          provision={request.provisions[0]!}
          senders={senders}
          choice={choice}
          onChoice={setChoice}
        />
        <Choice
          id="own-purpose"
          label={requests.purposes}
          value={String(purpose)}
          options={ownPurposes.map((one) => [String(one), home.purposes[one] ?? ""])}
          onChange={(one) => setPurpose(Number(one))}
        />
        <Choice
          id="own-days"
          label={requests.until}
          value={String(choice.days ?? "")}
          options={[
            ...ownDays.map((days) => [String(days), requests.days(days)] as const),
            ["", home.untilStopped],
          ]}
          onChange={(days) => setChoice({ ...choice, days: days === "" ? undefined : Number(days) })}
        />
      </div>
      <PreviewCard
        name="grant-preview"
        title={words.preview.wouldSee}
        choices={[{ label: "", view: value && { case: "grant", value } }]}
        purposes={[purpose]}
      />
      <div class="card stack">
        <p class="small quiet">{requests.takeBack}</p>
        {state === "empty" && (
          <Notice kind="warning">
            <p>{says.nothing}</p>
          </Notice>
        )}
        {state !== "idle" && state !== "sending" && state !== "empty" && <ProblemNotice problem={state} />}
        <button type="button" class="button" disabled={state === "sending"} onClick={() => void send()}>
          {state === "sending" ? requests.agreeing : says.permit}
        </button>
      </div>
    </>
  );
}
