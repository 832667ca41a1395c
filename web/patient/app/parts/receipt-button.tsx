import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GetConsentReceiptRequestSchema } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { ProblemNotice } from "./notice.tsx";
import { SaveButton } from "./save-button.tsx";

/** The receipt of what was said, `lead` says what it proves. Asked for by a press alone: the log notes who was given it. */
export function ReceiptButton(props: {
  readonly name: string;
  readonly decision: MessageInitShape<typeof GetConsentReceiptRequestSchema>["decision"] & object;
  readonly lead: string;
}) {
  const { words, record } = usePlace();
  const { name, decision, lead } = props;
  const [jws, setJws] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const says = words.disclosures;
  async function get(): Promise<void> {
    try {
      setJws((await record.connection.receipts.getConsentReceipt({ decision })).jws);
      setProblem(undefined);
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  return (
    <>
      {problem !== undefined && <ProblemNotice problem={problem} again={() => void get()} />}
      {jws === undefined ? (
        <button type="button" class="button second" onClick={() => void get()}>
          {says.receipt}
        </button>
      ) : (
        <SaveButton name={`${name}.jws`} type="application/jose" text={jws}>
          {says.saveReceipt}
        </SaveButton>
      )}
      <p class="small quiet">{lead}</p>
    </>
  );
}
