import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type AnswerDeletionObligationRequest,
  AnswerDeletionObligationRequestSchema,
  DataKept_Reason,
  type DeletionAnswerSchema,
  DeletionObligation_State,
  type DeletionObligationSchema,
} from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import type { Reader } from "../convert.ts";
import { isShownAsWritten } from "../shown-text.ts";
import { type Refuse, refusals, refuseUnknownFields } from "../terms-convert.ts";
import { actorKinds, named, numberOf } from "../vocabulary-convert.ts";
import {
  type Answer,
  type DeletionObligation,
  type KeepReason,
  type ObligationState,
  type Said,
  stateOf,
} from "./obligation.ts";
import { obligationEtag } from "./obligation-answers.ts";

export const obligationStates: Record<ObligationState, DeletionObligation_State> = {
  open: DeletionObligation_State.OPEN,
  deleted: DeletionObligation_State.DELETED,
  kept: DeletionObligation_State.KEPT,
  overdue: DeletionObligation_State.OVERDUE,
};

const keepReasons: Record<KeepReason, DataKept_Reason> = {
  legal_obligation: DataKept_Reason.LEGAL_OBLIGATION,
  public_health: DataKept_Reason.PUBLIC_HEALTH,
  research: DataKept_Reason.RESEARCH,
  legal_claims: DataKept_Reason.LEGAL_CLAIMS,
  other_consent: DataKept_Reason.OTHER_CONSENT,
};

/** What the organization says. Throws ConsentError `invalid`. */
export function saidIn(request: AnswerDeletionObligationRequest, now: number): Said {
  refuseUnknownFields(AnswerDeletionObligationRequestSchema, request, "");
  const { refuse, done } = refusals("answer");
  const said = saidOf(request, now, refuse);
  done();
  return said;
}

function saidOf({ answer }: AnswerDeletionObligationRequest, now: number, refuse: Refuse): Said {
  const given = answer?.answer;
  if (given?.case === "deleted") {
    const { statement } = given.value;
    refuseUnseen(statement, "deleted.statement", refuse);
    return { kind: "deleted", statement };
  }
  const { reason = 0, citation = "", keepUntilTime } = given?.value ?? {};
  refuseUnseen(citation, "kept.citation", refuse);
  const known = named(keepReasons, reason);
  if (known === undefined) refuse("kept.reason", "is not known here");
  const keepUntil = keepUntilTime === undefined ? undefined : timestampMs(keepUntilTime);
  if (keepUntil !== undefined && keepUntil <= now) {
    refuse("kept.keep_until_time", "has passed: then the data is to be deleted");
  }
  return {
    kind: "kept",
    reason: known ?? "legal_obligation",
    citation,
    ...(keepUntil !== undefined && { keepUntil }),
  };
}

function refuseUnseen(text: string, path: string, refuse: Refuse): void {
  if (text.trim() === "") refuse(path, "is blank: say it in plain words");
  else if (!isShownAsWritten(text)) {
    refuse(path, "holds control characters, or characters that turn the direction of text: leave them out");
  }
}

export function obligationMessage(
  obligation: DeletionObligation,
  { patient, now }: Pick<Reader, "patient" | "now">,
): MessageInitShape<typeof DeletionObligationSchema> {
  const { id, organization, consent, endTime, received, createTime, dueTime, answers } = obligation;
  return {
    id,
    patient,
    organization,
    consent,
    endTime: timestampFromMs(endTime),
    received: received.map(({ category, reads, values, unknownAmountReads, firstTime, lastTime }) => ({
      category,
      reads: BigInt(reads),
      values: BigInt(values),
      unknownAmountReads: BigInt(unknownAmountReads),
      firstTime: timestampFromMs(firstTime),
      lastTime: timestampFromMs(lastTime),
    })),
    createTime: timestampFromMs(createTime),
    dueTime: timestampFromMs(dueTime),
    state: obligationStates[stateOf(obligation, now)],
    answers: answers.map(answerMessage),
    etag: obligationEtag(obligation),
  };
}

function answerMessage(answer: Answer): MessageInitShape<typeof DeletionAnswerSchema> {
  const { by, time } = answer;
  return {
    actor: { kind: actorKinds[by.kind], id: by.id },
    time: timestampFromMs(time),
    answer:
      answer.kind === "deleted"
        ? { case: "deleted", value: { statement: answer.statement } }
        : {
            case: "kept",
            value: {
              reason: numberOf(keepReasons, answer.reason),
              citation: answer.citation,
              ...(answer.keepUntil !== undefined && { keepUntilTime: timestampFromMs(answer.keepUntil) }),
            },
          },
  };
}
