import type { Decision as DecisionMessage } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { answerOf } from "./consent-link.ts";
import { judge } from "./permits.ts";
import type { Decision } from "./port.ts";

/**
 * What an enforcer makes of an answer of the consent service at a time, UTC milliseconds. For previews alone: no session stands behind
 * it, so nothing may leave for an organization by it.
 */
export function judgedAt(decision: DecisionMessage, time: number): Decision {
  const answer = answerOf(decision);
  return "denied" in answer ? answer.denied : judge(answer, time).decision;
}
