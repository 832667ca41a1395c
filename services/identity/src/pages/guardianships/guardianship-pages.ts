import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { field, hidden, notice } from "../parts.ts";
import { stateBadge } from "../people/people-pages.ts";
import type { ShownDelegation } from "../people/people-view.ts";
import type { View } from "../view.ts";
import { petitionBadge, type ShownPetition } from "./petition-view.ts";

export const guardianshipsPath = "/account/guardianships";

export interface GuardianshipsPage {
  /** For whom the reader is, or was, a guardian, with what the patient is called where they may know it. */
  readonly own: ReadonlyArray<{ readonly delegation: ShownDelegation; readonly name: string }>;
  readonly petitions: readonly ShownPetition[];
  readonly done: "sent" | "withdrawn" | undefined;
  readonly problem?: string | undefined;
}

/** The reader as a guardian: of whom, and what they have asked for. */
export function guardianshipsPage(view: View, { own, petitions, done, problem }: GuardianshipsPage): Page {
  const { guardianship: words } = view.words;
  const body = html`<h1>${words.title}</h1>
<p class="quiet">${words.lead}</p>
${done !== undefined && html`<div class="notice success" role="status"><p>${words[done]}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<section class="card stack" aria-labelledby="own"><h2 id="own">${words.own}</h2>
${own.length === 0 ? html`<p>${words.ownNone}</p>` : html`<ul class="rows">${own.map((one) => ownRow(view, one))}</ul>`}
</section>
<section class="card stack" aria-labelledby="asked"><h2 id="asked">${words.asked}</h2>
${petitions.length === 0 ? html`<p>${words.askedNone}</p>` : html`<ul class="rows">${petitions.map((one) => petitionRow(view, one))}</ul>`}
<p><a class="button" href="${guardianshipsPath}/ask">${words.ask}</a></p>
</section>`;
  return { title: words.title, body, signedIn: true };
}

function ownRow(view: View, { delegation, name }: GuardianshipsPage["own"][number]): Html {
  const { guardianship: words } = view.words;
  return html`<li><div><strong>${name || words.unnamed}</strong> ${stateBadge(view, delegation)}<br>
<span class="quiet small">${delegation.facts.join(" · ")}</span>
${delegation.state === "disputed" && html`<p class="small">${words.heldLead}</p>`}</div></li>`;
}

function petitionRow(view: View, one: ShownPetition): Html {
  const { guardianship: words } = view.words;
  return html`<li><div><strong>${one.patientName}</strong> ${petitionBadge(view, one)}<br>
<span class="quiet small">${one.facts.join(" · ")}</span>
${one.state === "refused" && html`<p class="small letter">${words.why(one.reason)}</p>`}</div>
${
  one.state === "waiting" &&
  html`<form method="post" action="${guardianshipsPath}/withdraw">${hidden("petition", one.id)}<button class="button danger slim" aria-label="${words.withdrawNamed(one.patientName)}">${words.withdraw}</button></form>`
}</li>`;
}

/** First the code. `first`: in place of the form, what has to come first. */
export function guardianCodePage(
  view: View,
  { wrong, first }: { readonly wrong?: string | undefined; readonly first?: Html | undefined },
): Page {
  const { guardianship: words, common } = view.words;
  const body = html`<h1>${words.ask}</h1>
<div class="card stack"><p>${words.askLead}</p>
${
  first ??
  html`<form class="stack" method="post" action="${guardianshipsPath}/code">
${field({
  name: "claim",
  label: words.code,
  hint: words.codeHint,
  wrong,
  attributes: html`required maxlength="128" autocomplete="off" autocapitalize="none" spellcheck="false" data-from-hash`,
})}
<p class="actions"><button class="button">${common.goOn}</button> <a class="button second" href="${guardianshipsPath}">${common.cancel}</a></p>
</form>`
}
</div>`;
  return { title: words.ask, body, signedIn: true };
}

export interface AskPage {
  readonly code: string;
  /** Who will check it. */
  readonly checker: string;
  readonly requestId: string;
  readonly problem?: string | undefined;
  readonly typed: (name: string) => string | undefined;
}

/** Then what the reader says. */
export function askPage(view: View, { code, checker, requestId, problem, typed }: AskPage): Page {
  const { guardianship: words, common } = view.words;
  const plain = (name: string, label: string, hint: string | undefined, more: Html) =>
    field({ name, label, hint, attributes: html`value="${typed(name)}" ${more}` });
  const body = html`<h1>${words.ask}</h1>
<div class="card stack">
<p>${words.checks(checker)} ${words.told}</p>
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<form class="stack" method="post" action="${guardianshipsPath}/ask">${hidden("claim", code)}${hidden("request", requestId)}
${plain("name", words.yourName, undefined, html`required maxlength="200" autocomplete="name"`)}
${plain("patient-name", words.patientName, undefined, html`required maxlength="200" autocomplete="off"`)}
${plain("grounds", words.grounds, words.groundsHint, html`required maxlength="1000" autocomplete="off"`)}
${plain("birth", words.birthDate, words.birthDateHint, html`type="date" autocomplete="off"`)}
${plain("end", words.groundsEnd, words.groundsEndHint, html`type="date" autocomplete="off"`)}
<p class="actions"><button class="button">${words.send}</button> <a class="button second" href="${guardianshipsPath}">${common.cancel}</a></p>
</form></div>`;
  return { title: words.ask, body, signedIn: true };
}
