import { type Access, Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type Actor, Actor_Kind, Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

/** What an entry of the log tells, in the kinds that a reader tells apart. */
export type HappeningKind =
  | "read"
  | "sent"
  | "permitted"
  | "stopped"
  | "emergency"
  | "settings"
  | "erased"
  | "other";

/** Who did it, as the patient sees them. */
export type Doer = "patient" | "delegate" | "organization" | "installation";

export interface Happening {
  readonly kind: HappeningKind;
  readonly doer: Doer;
  /** Whether it was let through. */
  readonly outcome: "done" | "refused" | "undecided";
}

/** Of an access as it stands in the log. */
export function happeningOf(access: Access): Happening {
  return { kind: kindOf(access), doer: doerOf(access.actor), outcome: outcomeOf(access.outcome) };
}

const methodKinds: ReadonlyArray<readonly [RegExp, HappeningKind]> = [
  [/\/ErasePatient$/, "erased"],
  [/^wellapi\.consent\.v1\.EmergencyService\//, "emergency"],
  [/\/(CreateConsent|CompleteInteraction|AcceptConsentRequest)$/, "permitted"],
  [/\/(RevokeConsent|RevokeAllConsents|EndGrants)$/, "stopped"],
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

function doerOf(actor: Actor | undefined): Doer {
  switch (actor?.kind) {
    case Actor_Kind.PATIENT:
    case Actor_Kind.PERSON:
      return "patient";
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
