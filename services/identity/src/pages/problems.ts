import type { HttpRequest, Refusal, ShapedRefusal } from "@wellapi/http";
import { continuation, withContinuation } from "./continuation.ts";
import { type Html, html } from "./html.ts";
import { documentOf, htmlType } from "./page.ts";
import { type View, viewOf } from "./view.ts";
import type { Words } from "./words/en.ts";

/** What the reader can do about it, by the reason of the problem. */
const texts: Readonly<Record<string, (problem: Words["problem"]) => string>> = {
  ALREADY_EXISTS: (words) => words.changed,
  ALREADY_GUARDIAN: (words) => words.alreadyGuardian,
  CODES_LIMITED: (words) => words.codesLimited,
  CODE_WRONG: (words) => words.codeWrong,
  DISPUTE_DECIDED: (words) => words.disputeDecided,
  EMAIL_IN_USE: (words) => words.inUse,
  FLOW_INVALID: (words) => words.flowEnded,
  FOREIGN_REQUEST: (words) => words.foreign,
  GUARDIAN_CODE_INVALID: (words) => words.guardianCodeInvalid,
  GUARDIAN_HELD: (words) => words.guardianHeld,
  GUARDIAN_NOT_ACTIVE: (words) => words.guardianNotActive,
  GUESSES_LIMITED: (words) => words.guessesLimited,
  INTERACTION_OVER: (words) => words.over,
  INVITATION_INVALID: (words) => words.invitationInvalid,
  INVITATION_LIMIT: (words) => words.invitationLimit,
  LAST_OPERATOR: (words) => words.lastOperator,
  LAST_OWNER: (words) => words.lastOwner,
  LAST_WAY_IN: (words) => words.lastWayIn,
  MAIL_NOT_SET_UP: (words) => words.noMail,
  MAIL_UNAVAILABLE: (words) => words.mailAway,
  NOT_FOUND: (words) => words.missing,
  PASSKEY_REFUSED: (words) => words.passkeyBad,
  PATIENT_IN_USE: (words) => words.patientInUse,
  PETITION_CLOSED: (words) => words.petitionClosed,
  PETITION_LIMIT: (words) => words.petitionLimit,
  PETITION_WAITS: (words) => words.petitionWaits,
  DEATH_REPORTED: (words) => words.deathReported,
  RECORD_FROZEN: (words) => words.recordFrozen,
  RECORD_NOT_FROZEN: (words) => words.recordNotFrozen,
  REPORT_DECIDED: (words) => words.reportDecided,
  ROLE_REQUIRED: (words) => words.roleRequired,
  SANDBOX_ONLY: (words) => words.sandboxOnly,
  STALE_ETAG: (words) => words.changed,
  TOO_MANY_PASSKEYS: (words) => words.tooManyPasskeys,
};

const titles: Readonly<Record<string, (problem: Words["problem"]) => string>> = {
  FOREIGN_REQUEST: (words) => words.foreignTitle,
  NOT_FOUND: (words) => words.missingTitle,
};

/** What went wrong, for a person: never the service's own message, which is for programs. */
export function problemText({ words }: View, { status, problem, retryAfterSeconds }: Refusal): string {
  const { problem: says } = words;
  const known = texts[problem.reason];
  if (known !== undefined) return known(says);
  if (status === 429) return says.tooMany(retryAfterSeconds ?? 60);
  if (status === 401) return says.ended;
  if (status === 403) return says.notPermitted;
  if (status === 404) return says.missing;
  if (status === 503 || status === 504) return says.unavailable;
  return status >= 500 ? says.internal : says.invalid;
}

/** A page that says what to do, and the number by which the line in the log is found. */
export function problemPage(view: View, refusal: Refusal, request: HttpRequest): string {
  const { problem: says } = view.words;
  const { reason } = refusal.problem;
  const title = titles[reason]?.(says) ?? says.title;
  const body: Html = html`<div class="card stack">
<h1>${title}</h1>
<p>${problemText(view, refusal)}</p>
<p class="actions">${
    reason === "FLOW_INVALID"
      ? html`<a class="button" href="/sign-in">${says.again}</a>`
      : html`<a class="button" href="/account">${says.home}</a>`
  }</p>
<p class="quiet small">${says.id} <code>${request.id}</code></p>
</div>`;
  return documentOf(view, { title, body });
}

/**
 * A refusal for a reader in a browser. Who has to sign in, or to confirm that it is them, is sent to where they can, and comes
 * back; everybody else gets a page.
 */
export function shapeForReaders(refusal: Refusal, request: HttpRequest): ShapedRefusal {
  const view = viewOf(request);
  const contentType = htmlType;
  const location = wayOut(refusal, continuation(view.path));
  if (location !== undefined) return { contentType, body: "", location };
  return { contentType, body: problemPage(view, refusal, request) };
}

function wayOut(refusal: Refusal, target: string): string | undefined {
  if (needsConfirmation(refusal)) return withContinuation("/step-up", target);
  return needsSignIn(refusal) ? withContinuation("/sign-in", target) : undefined;
}

function needsConfirmation({ problem }: Refusal): boolean {
  return problem.reason === "ASSURANCE_REQUIRED";
}

/** The session has ended, or there is none. A wrong code or passkey is unauthenticated, too, but can be corrected. */
export function needsSignIn({ status, problem }: Refusal): boolean {
  return status === 401 && texts[problem.reason] === undefined;
}

/** Whether the reader can correct it in the form that they sent. */
export function isCorrectable(refusal: Refusal): boolean {
  const { status, problem } = refusal;
  if (needsConfirmation(refusal) || needsSignIn(refusal)) return false;
  return status < 500 || texts[problem.reason] !== undefined;
}
