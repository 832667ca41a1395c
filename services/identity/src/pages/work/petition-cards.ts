import { Petition_State } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import type { ShownPetition } from "../guardianships/petition-view.ts";
import { type Html, html } from "../html.ts";
import { field, hidden } from "../parts.ts";
import { shownCode } from "../people/people-pages.ts";
import type { ShownDelegation } from "../people/people-view.ts";
import type { View } from "../view.ts";

/** A dispute that waits for the privacy officer. */
export interface ShownDispute {
  readonly patient: string;
  readonly delegation: ShownDelegation;
  readonly since: string;
}

/** Who waits to become a guardian. `decides`: whether the forms can be sent. */
export function petitionsCard(
  view: View,
  path: string,
  { petitions, decides }: { readonly petitions: readonly ShownPetition[]; readonly decides: boolean },
): Html {
  const { guardianship: words } = view.words;
  return html`<section class="card stack" aria-labelledby="petitions"><h2 id="petitions">${words.petitions}</h2>
${petitions.length === 0 ? html`<p>${words.petitionsNone}</p>` : html`<ul class="rows">${petitions.map((one) => petitionRow(view, path, one, decides))}</ul>`}
</section>`;
}

function petitionRow(
  { words: { guardianship: words } }: View,
  path: string,
  one: ShownPetition,
  decides: boolean,
): Html {
  return html`<li><div class="stack-close"><p><strong>${one.name}</strong> ${words.whom(one.patientName)}<br>
<span class="quiet small">${[one.email, ...one.said, ...one.facts].join(" · ")}</span></p>
<p class="small letter">${one.grounds}</p>
${lookForm(path, one.patient, words.look, words.lookNamed(one.name))}
${
  decides &&
  html`<details><summary aria-label="${words.decideNamed(one.name)}">${words.decide}</summary>
<div class="stack">${confirmForm(words, path, one)}${refuseForm(words, path, one)}</div></details>`
}
</div></li>`;
}

/** A patient's number is never part of an address: so a form leads to the patient. */
function lookForm(path: string, patient: string, label: string, named: string): Html {
  return html`<form method="post" action="${path}">${hidden("patient", patient)}<button class="button second slim" aria-label="${named}">${label}</button></form>`;
}

type Words = View["words"]["guardianship"];

function confirmForm(words: Words, path: string, { id, said }: ShownPetition): Html {
  return html`<form class="stack" method="post" action="${path}/petition">${hidden("petition", id)}${hidden("state", String(Petition_State.CONFIRMED))}
${line(`seen-${id}`, "reason", words.seen, words.seenHint, html`required maxlength="1000"`)}
${line(`born-${id}`, "birth", words.seenBirthDate, [words.birthDateHint, ...said].join(" "), html`type="date"`)}
${line(`end-${id}`, "end", words.groundsEnd, words.groundsEndHint, html`type="date"`)}
<p><button class="button slim">${words.confirm}</button></p></form>`;
}

function refuseForm(words: Words, path: string, { id }: ShownPetition): Html {
  return html`<form class="stack" method="post" action="${path}/petition">${hidden("petition", id)}${hidden("state", String(Petition_State.REFUSED))}
${line(`why-${id}`, "reason", words.refuseReason, words.refuseReasonHint, html`required maxlength="1000"`)}
<p><button class="button danger slim">${words.refuse}</button></p></form>`;
}

/** Several forms are on the page: a field's id is not its name. */
function line(id: string, name: string, label: string, hint: string, more: Html): Html {
  return field({ id, name, label, hint, attributes: html`autocomplete="off" ${more}` });
}

/** Guardians whom a patient or another guardian disputes; each is decided about where the patient is shown. */
export function disputesCard(view: View, path: string, disputes: readonly ShownDispute[]): Html {
  const { guardianship: words } = view.words;
  return html`<section class="card stack" aria-labelledby="disputes"><h2 id="disputes">${words.disputes}</h2>
${
  disputes.length === 0
    ? html`<p>${words.disputesNone}</p>`
    : html`<ul class="rows">${disputes.map(
        ({
          patient,
          delegation,
          since,
        }) => html`<li><div class="stack-close"><p><strong>${delegation.name}</strong><br>
<span class="quiet small">${[delegation.email, words.disputeSince(since)].join(" · ")}</span></p>
<p class="small letter">${delegation.grounds}</p></div>
${lookForm(path, patient, words.look, words.lookNamed(delegation.name))}</li>`,
      )}</ul>`
}</section>`;
}

/** Who verifies lets somebody ask. `code`: the answer of the form, the only place that shows it. */
export function bringInCard(
  view: View,
  path: string,
  shown: { readonly patient: string; readonly requestId: string; readonly code: string | undefined },
): Html {
  const { guardianship: words } = view.words;
  const { patient, requestId, code } = shown;
  return html`<section class="card stack" aria-labelledby="bring-in"><h2 id="bring-in">${words.bringIn}</h2>
<p class="quiet">${words.bringInByWork}</p>
${
  code === undefined
    ? html`<form method="post" action="${path}/code">${hidden("patient", patient)}${hidden("request", requestId)}<button class="button second">${words.makeCode}</button></form>`
    : shownCode(view, code)
}</section>`;
}
