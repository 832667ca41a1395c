import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Provision as ProvisionMessage } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  type AcceptConsentRequestRequest,
  ConsentRequest_State,
  ConsentRequestSchema,
  type ConsentRequest as RequestMessage,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import type { Terms } from "../consent.ts";
import { intervalMessage, provisionMessage, type Reader } from "../convert.ts";
import { digest } from "../etag.ts";
import { isShownAsWritten } from "../shown-text.ts";
import {
  intervalOf,
  type Nameable,
  type Refuse,
  refusals,
  refuseUnknownFields,
  termsOf,
} from "../terms-convert.ts";
import { actorKinds } from "../vocabulary-convert.ts";
import { beyond } from "./narrowing.ts";
import { type ConsentRequest, mostAskedMs, mostWaitingMs, type RequestState, stateOf } from "./request.ts";

/** What an organization asks, before it has an id. */
export interface Asked extends Pick<ConsentRequest, "terms" | "why" | "language" | "expireTime"> {
  /** The consent to continue; empty: none. */
  readonly continues: string;
}

export const requestStates: Record<RequestState, ConsentRequest_State> = {
  open: ConsentRequest_State.OPEN,
  accepted: ConsentRequest_State.ACCEPTED,
  refused: ConsentRequest_State.REFUSED,
  withdrawn: ConsentRequest_State.WITHDRAWN,
  lapsed: ConsentRequest_State.LAPSED,
};

const root = "consent_request";

/** Throws ConsentError `invalid` with what is wrong. */
export function askedOf(
  message: RequestMessage | undefined,
  organization: string,
  now: number,
  nameable: Nameable,
): Asked {
  refuseUnknownFields(ConsentRequestSchema, message, root);
  const { provisions, validity, notice, why, language, continues, expireTime } =
    message ?? create(ConsentRequestSchema);
  const terms = termsOf({ grantee: organization, provisions, validity, notice }, now, nameable, root);
  const { refuse, done } = refusals(root);
  for (const [i, { effect }] of terms.provisions.entries()) {
    if (effect !== "permit") {
      refuse(`provisions[${i}].effect`, "is EFFECT_PERMIT in a request: denying is the patient's");
    }
  }
  const { start = now, end } = terms.validity;
  if (end === undefined) refuse("validity.end_time", "is needed: nobody is asked for ever");
  else if (end - Math.max(start, now) > mostAskedMs) {
    refuse("validity.end_time", "is more than 1,096 days after the start: ask for less, and again in time");
  }
  refuseStart(terms, continues !== "", refuse);
  if (why.trim() === "") refuse("why", "is blank: say it in plain words");
  else if (!isShownAsWritten(why)) {
    refuse("why", "holds control characters, or characters that turn the direction of text: leave them out");
  }
  const latest = Math.min(now + mostWaitingMs, end ?? now + mostWaitingMs);
  const expires = expireTime ? timestampMs(expireTime) : latest;
  if (expires <= now) refuse("expire_time", "has passed: give one in the future, or none");
  if (expires > latest) refuse("expire_time", "is at most 30 days from now, and not after validity.end_time");
  done();
  return { terms, why, language, continues, expireTime: expires };
}

/** Of what was asked for, before defaults are taken: a repeated request has the same. */
export function digestOfAsked(message: RequestMessage | undefined): string {
  const { patient, provisions, validity, notice, why, language, continues, expireTime } =
    message ?? create(ConsentRequestSchema);
  const optional = {
    ...(validity && { validity }),
    ...(notice && { notice }),
    ...(expireTime && { expireTime }),
  };
  const asked = create(ConsentRequestSchema, { patient, provisions, why, language, continues, ...optional });
  return digest(toJson(ConsentRequestSchema, asked));
}

/**
 * What the patient agrees to: what was asked for, or less. Throws ConsentError `invalid`, by the path of what goes beyond the
 * request. `root` is where the acceptance stands in the call; empty: it is the call.
 */
export function chosenOf(
  message: AcceptConsentRequestRequest,
  { terms: asked, continues }: Pick<ConsentRequest, "terms" | "continues">,
  {
    partition,
    now,
    nameable,
    root = "",
  }: {
    readonly partition: string;
    readonly now: number;
    readonly nameable: Nameable;
    readonly root?: string;
  },
): Terms {
  const validity = { ...asked.validity, ...intervalOf(message.validity) };
  const provisions = message.provisions.map((one) => pinnedAs(asked, one));
  const stated = { grantee: asked.grantee, provisions, validity: undefined, notice: undefined };
  const chosen = provisions.length === 0 ? asked.provisions : termsOf(stated, now, nameable, root).provisions;
  const { refuse, done } = refusals(root);
  for (const [i, { effect }] of chosen.entries()) {
    if (effect !== "permit")
      refuse(`provisions[${i}].effect`, "is EFFECT_PERMIT here: deny by a consent of its own");
  }
  refuseStart({ validity }, continues !== undefined, refuse);
  const end = validity.end ?? 0;
  if (end <= Math.max(now, validity.start ?? now)) refuse("validity", "has ended, or ends before it begins");
  done();
  const terms = { ...asked, provisions: chosen, validity };
  const path = beyond(terms, asked, { partition, from: now });
  if (path !== undefined) {
    refuse(
      path,
      "goes beyond what was asked for: what is permitted lies within one of its parts",
      "BEYOND_REQUEST",
    );
    done();
  }
  return terms;
}

/** A consent that is continued has no gap: its next version begins when the patient agrees. */
function refuseStart({ validity }: Pick<Terms, "validity">, continues: boolean, refuse: Refuse): void {
  if (!continues || validity.start === undefined) return;
  refuse("validity.start_time", "is when the patient accepts, where a consent is continued: leave it out");
}

/** A category without a version has the one that was asked for. */
function pinnedAs({ provisions }: Terms, message: ProvisionMessage): ProvisionMessage {
  const asked = new Map(
    provisions.flatMap(({ categories }) => categories.map((one) => [one.name, one.version])),
  );
  const categories = message.categories.map((one) => ({
    ...one,
    version: one.version || (asked.get(one.name) ?? 0),
  }));
  return { ...message, categories };
}

export function requestMessage(
  request: ConsentRequest,
  { now, ...ids }: Omit<Reader, "categories">,
): MessageInitShape<typeof ConsentRequestSchema> {
  const { id, requester, terms, why, language, continues, createTime, expireTime, decision } = request;
  return {
    id,
    patient: ids.patient,
    organization: terms.grantee,
    provisions: terms.provisions.map((one) => provisionMessage(one, ids)),
    validity: intervalMessage(terms.validity),
    why,
    language,
    ...(terms.notice && { notice: terms.notice }),
    continues: continues?.consent ?? "",
    expireTime: timestampFromMs(expireTime),
    state: requestStates[stateOf(request, now)],
    createTime: timestampFromMs(createTime),
    ...(decision && { decideTime: timestampFromMs(decision.time) }),
    ...(decision?.state === "accepted" && { consent: decision.consent, consentVersion: decision.version }),
    requester: { kind: actorKinds[requester.kind], id: requester.id },
  };
}
