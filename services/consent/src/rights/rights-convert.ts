import { create, type JsonValue, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Restriction_Ground as GroundMessage,
  RightsFulfilled_Measure as MeasureMessage,
  RightsRefused_Reason as ReasonMessage,
  type RightsAnswerSchema,
  type RightsRequest as RightsMessage,
  RightsRequestSchema,
  RightsRequest_State as StateMessage,
} from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import type { AnswerRightsRequestRequest } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import type { TimeIntervalSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { Interval, PinnedCategory } from "../consent.ts";
import { actorMessage } from "../convert.ts";
import { ConsentError } from "../errors.ts";
import { isShownAsWritten } from "../shown-text.ts";
import { intervalOf, type Refuse, refusals } from "../terms-convert.ts";
import { named, numberOf, purposeMessages } from "../vocabulary-convert.ts";
import { rightsEtag } from "./rights-answers.ts";
import type { Demand } from "./rights-changes.ts";
import {
  type Disputed,
  dueTimeOf,
  type Ground,
  type Measure,
  type RefusalReason,
  type Right,
  type RightsAnswer,
  type RightsRequest,
  type RightsSaid,
  type RightsState,
  stateOf,
} from "./rights-request.ts";

export const rightsStates: Record<RightsState, StateMessage> = {
  open: StateMessage.OPEN,
  overdue: StateMessage.OVERDUE,
  fulfilled: StateMessage.FULFILLED,
  refused: StateMessage.REFUSED,
  withdrawn: StateMessage.WITHDRAWN,
};

const grounds: Record<Ground, GroundMessage> = {
  accuracy_contested: GroundMessage.ACCURACY_CONTESTED,
  unlawful: GroundMessage.UNLAWFUL,
  legal_claims: GroundMessage.LEGAL_CLAIMS,
  objection_pending: GroundMessage.OBJECTION_PENDING,
};

const measures: Record<Measure, MeasureMessage> = {
  corrected: MeasureMessage.CORRECTED,
  retracted: MeasureMessage.RETRACTED,
  done: MeasureMessage.DONE,
};

const reasons: Record<RefusalReason, ReasonMessage> = {
  unfounded: ReasonMessage.UNFOUNDED,
  not_identified: ReasonMessage.NOT_IDENTIFIED,
  accurate: ReasonMessage.ACCURATE,
  no_ground: ReasonMessage.NO_GROUND,
  compelling_grounds: ReasonMessage.COMPELLING_GROUNDS,
  legal_claims: ReasonMessage.LEGAL_CLAIMS,
  public_interest: ReasonMessage.PUBLIC_INTEREST,
  not_portable: ReasonMessage.NOT_PORTABLE,
  rights_of_others: ReasonMessage.RIGHTS_OF_OTHERS,
  other_law: ReasonMessage.OTHER_LAW,
};

/** What is needed to read what a patient demands. */
export interface Asker {
  readonly pairwise: Pairwise;
  readonly terminology: Terminology;
  /** Whose ids name devices and records. */
  readonly party: string;
  /** Of who acts for the patient: categories that are the patient's own to decide on. */
  readonly hides?: readonly string[] | undefined;
}

/** What is demanded, without fields that are output only: the same each time that it is sent. */
export function demandedContent(message: RightsMessage | undefined): JsonValue {
  const { organization, right, statement } = message ?? create(RightsRequestSchema);
  return toJson(RightsRequestSchema, create(RightsRequestSchema, { organization, right, statement }));
}

/** Throws ConsentError `invalid`, `own_care`. */
export function demandOf(
  message: RightsMessage | undefined,
  asker: Asker,
): Pick<Demand, "organization" | "right" | "statement" | "categories"> {
  const { organization, right, statement } = message ?? create(RightsRequestSchema);
  const { refuse, done } = refusals("rights_request");
  if (right.case === "rectification" && statement.trim() === "") {
    refuse("statement", "is blank: say what is wrong, and what would be right");
  }
  if (!isShownAsWritten(statement)) refuse("statement", unseen);
  const demanded = rightOf(right, asker, refuse);
  const categories = categoriesOf(demanded, asker, refuse);
  done();
  return { organization, right: demanded, statement, categories };
}

function rightOf(right: RightsMessage["right"], asker: Asker, refuse: Refuse): Right {
  switch (right.case) {
    case "rectification":
      return { kind: "rectification", disputed: disputedOf(right.value, asker, refuse) };
    case "restriction": {
      const ground = named(grounds, right.value.ground);
      if (ground === undefined) refuse("restriction.ground", "is not known here");
      return {
        kind: "restriction",
        ground: ground ?? "accuracy_contested",
        categories: right.value.categories,
      };
    }
    case "objection": {
      const purpose = named(purposeMessages, right.value.purpose);
      if (purpose === undefined) refuse("objection.purpose", "is not known here");
      return { kind: "objection", purpose: purpose ?? "treatment" };
    }
    case "portability":
      return { kind: "portability" };
    case undefined:
      refuse("right", "is missing: say which right is used");
      return { kind: "portability" };
  }
}

function disputedOf(
  value: Extract<RightsMessage["right"], { case: "rectification" }>["value"],
  { pairwise, party }: Asker,
  refuse: Refuse,
): Disputed {
  const { category, capturedWithin, device: deviceId, clinicalRecord } = value;
  const device = deviceId === "" ? undefined : pairwise.inward(party, "dev", deviceId);
  if (deviceId !== "" && device === undefined) refuse("rectification.device", "is no id of a device");
  // FHIR writes ids with a hyphen.
  const recordId = clinicalRecord.replace("-", "_");
  const record = recordId === "" ? undefined : pairwise.inward(party, "rec", recordId);
  if (recordId !== "" && record === undefined) {
    refuse("rectification.clinical_record", "is no id of a clinical record");
  }
  return {
    category,
    captured: intervalOf(capturedWithin),
    ...(device !== undefined && { device }),
    ...(record !== undefined && { record }),
  };
}

/** All that who asks may decide on, where no category is named. Throws `own_care`. */
function categoriesOf(right: Right, asker: Asker, refuse: Refuse): PinnedCategory[] {
  const { terminology, hides = [] } = asker;
  const [path, names] = namedIn(right);
  for (const name of names) {
    if (terminology.isCategory(name)) continue;
    refuse(path, `has no category ${name}: use one of ${terminology.categories.join(", ")}`);
    return [];
  }
  if (names.some((name) => hides.includes(name))) throw new ConsentError("own_care");
  const all = terminology.categories.filter((name) => !hides.includes(name));
  return (names.length > 0 ? names : all).map((name) => ({
    name,
    version: terminology.currentVersion(name),
  }));
}

function namedIn(right: Right): readonly [path: string, names: readonly string[]] {
  if (right.kind === "rectification") return ["rectification.category", [right.disputed.category]];
  return ["restriction.categories", right.kind === "restriction" ? right.categories : []];
}

const unseen = "holds control characters, or characters that turn the direction of text: leave them out";

/** What the organization says. Throws ConsentError `invalid`. */
export function rightsSaidIn({ answer }: AnswerRightsRequestRequest): RightsSaid {
  const { refuse, done } = refusals("answer");
  const shown = (text: string, path: string) => {
    if (text.trim() === "") refuse(path, "is blank: say it in plain words");
    else if (!isShownAsWritten(text)) refuse(path, unseen);
    return text;
  };
  const said = saidOf(answer?.answer, shown, refuse);
  done();
  return said;
}

function saidOf(
  given: NonNullable<AnswerRightsRequestRequest["answer"]>["answer"] | undefined,
  shown: (text: string, path: string) => string,
  refuse: Refuse,
): RightsSaid {
  if (given?.case === "fulfilled") {
    const measure = named(measures, given.value.measure);
    if (measure === undefined) refuse("fulfilled.measure", "is not known here");
    const statement = shown(given.value.statement, "fulfilled.statement");
    return { kind: "fulfilled", measure: measure ?? "done", statement };
  }
  if (given?.case === "refused") {
    const reason = named(reasons, given.value.reason);
    if (reason === undefined) refuse("refused.reason", "is not known here");
    const explanation = shown(given.value.explanation, "refused.explanation");
    const remedies = shown(given.value.remedies, "refused.remedies");
    return { kind: "refused", reason: reason ?? "other_law", explanation, remedies };
  }
  return { kind: "extended", reason: shown(given?.value?.reason ?? "", "extended.reason") };
}

/** Who reads a request, and what they see of it. */
export interface RightsReader {
  readonly pairwise: Pairwise;
  readonly party: string;
  /** By the reader's own id. */
  readonly patient: string;
  readonly now: number;
  /** Whether its denial holds. */
  readonly denied: boolean;
}

export function rightsMessage(
  request: RightsRequest,
  reader: RightsReader,
): MessageInitShape<typeof RightsRequestSchema> {
  const { id, organization, statement, author, createTime, answers, withdrawTime, denial = "" } = request;
  return {
    id,
    patient: reader.patient,
    organization,
    right: rightMessage(request.right, reader),
    statement,
    actor: actorMessage(author, reader.patient),
    createTime: timestampFromMs(createTime),
    dueTime: timestampFromMs(dueTimeOf(request)),
    state: rightsStates[stateOf(request, reader.now)],
    answers: answers.map((one) => answerMessage(one, reader.patient)),
    ...(withdrawTime !== undefined && { withdrawTime: timestampFromMs(withdrawTime) }),
    denial,
    denied: reader.denied,
    etag: rightsEtag(request),
  };
}

function rightMessage(
  right: Right,
  { pairwise, party }: RightsReader,
): NonNullable<MessageInitShape<typeof RightsRequestSchema>["right"]> {
  switch (right.kind) {
    case "rectification": {
      const { category, captured, device, record } = right.disputed;
      const value = {
        category,
        ...intervalMessage(captured),
        device: device === undefined ? "" : pairwise.outward(party, device),
        clinicalRecord: record === undefined ? "" : pairwise.outward(party, record),
      };
      return { case: "rectification", value };
    }
    case "restriction": {
      const value = { ground: numberOf(grounds, right.ground), categories: [...right.categories] };
      return { case: "restriction", value };
    }
    case "objection":
      return { case: "objection", value: { purpose: numberOf(purposeMessages, right.purpose) } };
    case "portability":
      return { case: "portability", value: {} };
  }
}

function intervalMessage({ start, end }: Interval): {
  capturedWithin?: MessageInitShape<typeof TimeIntervalSchema>;
} {
  if (start === undefined && end === undefined) return {};
  return {
    capturedWithin: {
      ...(start !== undefined && { startTime: timestampFromMs(start) }),
      ...(end !== undefined && { endTime: timestampFromMs(end) }),
    },
  };
}

function answerMessage(answer: RightsAnswer, patient: string): MessageInitShape<typeof RightsAnswerSchema> {
  return {
    actor: actorMessage(answer.by, patient),
    time: timestampFromMs(answer.time),
    answer: saidMessage(answer),
  };
}

function saidMessage(
  answer: RightsAnswer,
): NonNullable<MessageInitShape<typeof RightsAnswerSchema>["answer"]> {
  switch (answer.kind) {
    case "fulfilled": {
      const { measure, statement } = answer;
      return { case: "fulfilled", value: { measure: numberOf(measures, measure), statement } };
    }
    case "refused": {
      const { reason, explanation, remedies } = answer;
      return { case: "refused", value: { reason: numberOf(reasons, reason), explanation, remedies } };
    }
    case "extended":
      return { case: "extended", value: { reason: answer.reason } };
  }
}
