import { withContinuation } from "../continuation.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { field, hidden, notice } from "../parts.ts";
import type { View } from "../view.ts";
import type { ShownEmergency } from "./emergency-view.ts";

export interface ClinicianPage {
  /** The page's own address. */
  readonly path: string;
  readonly organization: string;
  readonly beside: Page["beside"];
  /** Whether the organization has it switched on. */
  readonly on: boolean;
  /** In place of the form: what has to come first. */
  readonly first: Html | undefined;
  /** Until when the reader's second factor lets them read under what is open; undefined: not any more. */
  readonly readsUntil: string | undefined;
  readonly requestId: string;
  readonly accesses: readonly ShownEmergency[];
  /** The token of the next page; empty at the end. */
  readonly next: string;
  readonly done: "opened" | "ended" | undefined;
  readonly wrong?: ClinicianMistake | undefined;
}

/** What has to be corrected; what was typed is shown again. */
export interface ClinicianMistake {
  readonly text?: string | undefined;
  readonly who?: string | undefined;
  readonly reason?: string | undefined;
  readonly typed: (name: string) => string | undefined;
}

/** Where a clinician opens emergency access, and sees until when it lasts. */
export function clinicianPage(view: View, page: ClinicianPage): Page {
  const { emergencyWork: words } = view.words;
  const { path, organization, beside, on, first, accesses, next, done, wrong } = page;
  const title = words.title(organization);
  const body = html`<h1>${title}</h1>
<p class="quiet">${words.lead}</p>
${done !== undefined && html`<div class="notice success" role="status"><p>${words[done]}</p></div>`}
${wrong?.text !== undefined && notice("danger", html`<p>${wrong.text}</p>`)}
<section class="card stack" aria-labelledby="open"><h2 id="open">${words.open}</h2>
${on ? (first ?? openForm(view, page)) : html`<p>${words.off}</p>`}</section>
<section class="card stack-close" aria-labelledby="own"><h2 id="own">${words.own}</h2>
${accesses.some(({ state }) => state === "open") && readOn(view, page)}
${
  accesses.length === 0
    ? html`<p>${words.none}</p>`
    : html`<ul class="rows">${accesses.map((one) => row(view, path, one))}</ul>`
}</section>
${next !== "" && html`<p><a class="button second" href="${path}?page=${encodeURIComponent(next)}">${words.more}</a></p>`}`;
  return { title, body, signedIn: true, ...(beside && { beside }) };
}

/** Each read asks for a second factor of the last five minutes: until when there is one, and how to go on. */
function readOn({ words }: View, { path, readsUntil }: ClinicianPage): Html {
  const { emergencyWork, stepUp } = words;
  const again = withContinuation("/step-up", path);
  if (readsUntil !== undefined) {
    return html`<p>${emergencyWork.readsUntil(readsUntil)} <a href="${again}">${stepUp.title}</a></p>`;
  }
  const link = html`<p><a class="button" href="${again}">${stepUp.title}</a></p>`;
  return notice("warning", html`<p>${emergencyWork.readsNoMore}</p>${link}`);
}

function openForm(
  { words: { emergencyWork: words } }: View,
  { path, requestId, wrong }: ClinicianPage,
): Html {
  const described = ["reason-hint", wrong?.reason && "reason-wrong"].filter(Boolean).join(" ");
  return html`<form class="stack" method="post" action="${path}">${hidden("request", requestId)}
${field({ name: "who", label: words.who, hint: words.whoHint, wrong: wrong?.who, attributes: html`required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" value="${wrong?.typed("who")}"` })}
<div class="field"><label for="reason">${words.reason}</label><p class="hint" id="reason-hint">${words.reasonHint}</p>
${wrong?.reason !== undefined && html`<p class="wrong" id="reason-wrong">${wrong.reason}</p>`}
<textarea id="reason" name="reason" rows="2" required minlength="10" maxlength="500" aria-describedby="${described}"${wrong?.reason !== undefined && html` aria-invalid="true"`}>${wrong?.typed("reason")}</textarea></div>
<button class="button danger wide">${words.submit}</button>
</form>`;
}

function row({ words: { emergencyWork: words } }: View, path: string, one: ShownEmergency): Html {
  const { id, patient, reason, opened, state, until } = one;
  const states = { open: words.openUntil, ended: words.endedAt, expired: words.over } as const;
  const open = state === "open";
  return html`<li><div><strong>${states[state](until)}</strong><br>
<span>${words.patient} <code>${patient}</code></span><br>
<span class="quiet small">${opened} · ${words.reasonGiven}: ${reason}</span></div>
${open && html`<form method="post" action="${path}/end">${hidden("access", id)}<button class="button danger slim" aria-label="${words.endNamed(patient)}">${words.end}</button></form>`}</li>`;
}
