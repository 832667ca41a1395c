import { Code, type ConnectError, type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Problem } from "../problem.ts";
import { problemError } from "../status.ts";

/**
 * The partition whose data an answer carries. It goes from the service that has the data to the door, which removes
 * it: the internal id of a patient never leaves.
 */
export const patientHeader = "wellapi-patient";

/** Why an answer may not leave: a change has taken something away since it began, or it is unknown whether one has. */
export type Objection = "recalled" | "unsure";

/** An answer on its way out of a door. (`AnswerInFlight` of @wellapi/enforcer.) */
export interface GuardedAnswer {
  /** The patient whose data it carries, and the organization that gets it; undefined: the patient. */
  about(partition: string, organization: string | undefined): void;
  /** Why no more of it may be passed on at this instant. */
  objection(): Objection | undefined;
  /** Calls back as soon as there is an objection. After `about`. Returns how to stop it. */
  onObjection(listener: () => void): () => void;
}

/** Decides which answers may leave a door. (`Answers` of @wellapi/enforcer.) */
export interface AnswerGuard {
  /** Called before any decision for the answer. */
  begin(): GuardedAnswer;
}

/** A door without a guard passes on nothing about a patient. */
export const nobodyGuards: AnswerGuard = {
  begin: () => ({ about: () => {}, objection: () => "unsure", onObjection: () => () => {} }),
};

/** Set once it is known that the answer carries a patient's data. Check it right before each write of bytes. */
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

/** The error for the caller if the call's answer must not be written at this instant. */
export function objectionTo(values: ContextValues): ConnectError | undefined {
  const objection = values.get(guardedAnswerKey)?.objection();
  return objection === undefined ? undefined : objectionError(objection);
}
