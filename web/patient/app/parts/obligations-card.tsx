import {
  type DeletionAnswer,
  type DeletionObligation,
  DeletionObligation_State as State,
} from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { categoryName } from "../words/names.ts";
import { Waited } from "./notice.tsx";
import { ReceiptButton } from "./receipt-button.tsx";

/** What an organization must delete, and what it says that it did. Nothing where there never was an obligation. */
export function ObligationsCard({ organization }: { readonly organization: string }) {
  const { words, record } = usePlace();
  const says = words.disclosures;
  const { obligations } = record.connection;
  const loaded = useLoaded(
    async (signal) => {
      const found: DeletionObligation[] = [];
      let pageToken = "";
      do {
        const page = await obligations.listDeletionObligations({ organization, pageToken }, { signal });
        found.push(...page.deletionObligations);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return found;
    },
    [obligations, organization],
  );
  if (loaded.value?.length === 0 && loaded.problem === undefined) return null;
  return (
    <section class="card stack-close" aria-labelledby="obligations">
      <h2 id="obligations">{says.dutyTitle}</h2>
      <p class="small quiet">{says.dutyLead}</p>
      <Waited loaded={loaded}>
        {(found) => (
          <ol class="timeline">
            {found.map((obligation) => (
              <li key={obligation.id}>
                <Obligation obligation={obligation} />
              </li>
            ))}
          </ol>
        )}
      </Waited>
    </section>
  );
}

function Obligation({ obligation }: { readonly obligation: DeletionObligation }) {
  const { words, formats } = usePlace();
  const { id, endTime, received, dueTime, state, answers } = obligation;
  const says = words.disclosures;
  const due = formats.day(msOf(dueTime));
  const kinds = received.map(({ category }) =>
    category === "" ? says.noCategory : categoryName(words, category),
  );
  return (
    <>
      <p>
        <strong>{says.dutyOf(formats.day(msOf(endTime)))}</strong>
      </p>
      <p class="small">
        {says.got}: {formats.list(kinds)}
      </p>
      {state === State.OPEN && <p>{says.open(due)}</p>}
      {state === State.OVERDUE && <p class="warning-text">{says.overdue(due)}</p>}
      {answers.at(-1) !== undefined && (
        <>
          <Answer answer={answers.at(-1)!} />
          <ReceiptButton
            name={id}
            decision={{ case: "obligationAnswer", value: { deletionObligation: id } }}
            lead={says.receiptLead}
            key={answers.length}
          />
        </>
      )}
    </>
  );
}

function Answer({ answer: { answer, time } }: { readonly answer: DeletionAnswer }) {
  const { words, formats } = usePlace();
  const says = words.disclosures;
  const day = formats.day(msOf(time));
  if (answer.case === "deleted") {
    return (
      <>
        <p>{says.deleted(day)}</p>
        <blockquote class="letter">{answer.value.statement}</blockquote>
      </>
    );
  }
  if (answer.case !== "kept") return null;
  const { reason, citation, keepUntilTime } = answer.value;
  const until = keepUntilTime === undefined ? [] : [says.keptUntil(formats.day(msOf(keepUntilTime)))];
  const why = [says.reasons[reason], ...until].filter((one) => one !== undefined);
  return (
    <>
      <p>
        {says.kept(day)} {why.join(", ")}
      </p>
      <blockquote class="letter">{citation}</blockquote>
    </>
  );
}
