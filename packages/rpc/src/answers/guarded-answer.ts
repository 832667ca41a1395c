import { Code, type ConnectError, type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Problem } from "../problem.ts";
import { problemError } from "../status.ts";

/**
 * Of an answer: whose data it carries, as a partition. It goes from the service that has the data to the door, which takes
 * it off: the internal id of a patient never leaves.
 */
export const patientHeader = "wellapi-patient";

/** Why an answer may not leave: something was taken away since it was begun, or nobody knows whether something was. */
export type Objection = "recalled" | "unsure";

/** An answer on its way out of a door. (`AnswerInFlight` of @wellapi/enforcer.) */
export interface GuardedAnswer {
  /** Whose data it carries, and which organization gets it; undefined: the patient. */
  about(partition: string, organization: string | undefined): void;
  /** Why nothing more of it may be handed on at this instant. */
  objection(): Objection | undefined;
  /** Calls back as soon as there is an objection. After `about`. Returns how to stop it. */
  onObjection(listener: () => void): () => void;
}

/** Tells a door which answers may leave. (`Answers` of @wellapi/enforcer.) */
export interface AnswerGuard {
  /** Before anything is decided for the answer. */
  begin(): GuardedAnswer;
}

/** A door without a guard lets nothing about a patient out. */
export const nobodyGuards: AnswerGuard = {
  begin: () => ({ about: () => {}, objection: () => "unsure", onObjection: () => () => {} }),
};

/** Set once it is known that the answer carries a patient's data. Who writes bytes asks it right before each write. */
export const guardedAnswerKey = createContextKey<GuardedAnswer | undefined>(undefined, {
  description: "guarded answer",
});

const problems: Readonly<Record<Objection, Problem>> = {
  recalled: {
    code: Code.Unavailable,
    reason: "CONSENT_CHANGED",
    message:
      "the patient's consents changed while this was answered, so nothing more of it is released: ask again (a watch goes on from where it was)",
    retryAfterMs: 100,
  },
  unsure: {
    code: Code.Unavailable,
    reason: "UNDECIDED",
    message: "whether consent still holds can't be told right now, so nothing is released: ask again",
    retryAfterMs: 500,
  },
};

export function objectionError(objection: Objection): ConnectError {
  return problemError(problems[objection]);
}

/** Why the call's answer must not be written at this instant, as its caller is told. */
export function objectionTo(values: ContextValues): ConnectError | undefined {
  const objection = values.get(guardedAnswerKey)?.objection();
  return objection === undefined ? undefined : objectionError(objection);
}
