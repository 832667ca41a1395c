import { type Access, Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type Actor, Actor_Kind, Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

/** What an entry of the log tells, in the kinds that a reader tells apart. */
export type HappeningKind =
  | "read"
  /** The patient looked at what an organization sees. */
  | "previewed"
  /** The record, or a part of it, leaves as a file: it was asked for, it was fetched. */
  | "exported"
  | "fetched"
  | "sent"
  | "permitted"
  | "stopped"
  | "emergency"
  | "settings"
  | "erased"
  /** Somebody asks to act for the patient, takes that back, is answered, or takes an invitation. */
  | "petition"
  | "petitionWithdrawn"
  | "petitionDecided"
  | "accepted"
  | "signIn"
  | "other";

/** Who did it, as the patient sees them. `person`: somebody who was signed in as themselves, and is not known to be the patient. */
export type Doer = "patient" | "person" | "delegate" | "organization" | "installation";

export interface Happening {
  readonly kind: HappeningKind;
  readonly doer: Doer;
  /** Whether it was let through. */
  readonly outcome: "done" | "refused" | "undecided";
}

/**
 * Of an access as it stands in the log. `ownAccount`: the id of the patient's account; empty where it is not known, and then no person
 * is taken for the patient.
 */
export function happeningOf(access: Access, ownAccount = ""): Happening {
  const kind = kindOf(access);
  const outcome = outcomeOf(access.outcome);
  // A sign-in that was refused names the account that somebody wanted, and proves nothing about them.
  const proven = kind !== "signIn" || outcome === "done";
  return { kind, doer: doerOf(access.actor, proven ? ownAccount : ""), outcome };
}

const methodKinds: ReadonlyArray<readonly [RegExp, HappeningKind]> = [
  [/\/PreviewReads$/, "previewed"],
  [/\/PrepareDownload$/, "exported"],
  [/\/OpenDownload$/, "fetched"],
  [/\/ErasePatient$/, "erased"],
  [/^wellapi\.consent\.v1\.EmergencyService\//, "emergency"],
  [/\/(CreateConsent|CompleteInteraction|AcceptConsentRequest)$/, "permitted"],
  [/\/(RevokeConsent|RevokeAllConsents|EndGrants)$/, "stopped"],
  [/\/CreatePetition$/, "petition"],
  [/\/WithdrawPetition$/, "petitionWithdrawn"],
  [/\/DecidePetition$/, "petitionDecided"],
  [/\/AcceptDelegation$/, "accepted"],
  [/^wellapi\.identity\.v1\.SignInService\/(VerifyCode|FinishSignIn)$/, "signIn"],
  [
    /\/(SetDevicePriority|UpdatePatient|UpdateAccount|(Invite|Accept|End|Set)\w*(Carer|Guardian|Delegation)\w*)$/,
    "settings",
  ],
];

function kindOf({ method, direction }: Access): HappeningKind {
  const named = methodKinds.find(([pattern]) => pattern.test(method))?.[1];
  if (named !== undefined) return named;
  if (direction === Direction.READ) return "read";
  return direction === Direction.CONTRIBUTE ? "sent" : "other";
}

function doerOf(actor: Actor | undefined, ownAccount: string): Doer {
  switch (actor?.kind) {
    case Actor_Kind.PATIENT:
      return "patient";
    case Actor_Kind.PERSON:
      return ownAccount !== "" && actor.id === ownAccount ? "patient" : "person";
    case Actor_Kind.CARER:
    case Actor_Kind.GUARDIAN:
    case Actor_Kind.REPRESENTATIVE:
      return "delegate";
    case Actor_Kind.APPLICATION:
    case Actor_Kind.CLINICIAN:
    case Actor_Kind.MEMBER:
      return "organization";
    default:
      return "installation";
  }
}

function outcomeOf(outcome: Access_Outcome): Happening["outcome"] {
  if (outcome === Access_Outcome.PERMITTED) return "done";
  return outcome === Access_Outcome.DENIED ? "refused" : "undecided";
}

/** Whether the entry tells how much was sent: a call that is over, or the end of a stream. */
export function tellsItems({ phase }: Access): boolean {
  return phase === Access_Phase.CALL || phase === Access_Phase.CLOSED;
}
