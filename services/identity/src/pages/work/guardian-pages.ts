import { Delegation_State } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import type { ShownPetition } from "../guardianships/petition-view.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, emailField, field, hidden, notice } from "../parts.ts";
import { languageField, stateBadge } from "../people/people-pages.ts";
import type { ShownDelegation } from "../people/people-view.ts";
import type { View } from "../view.ts";
import { bringInCard, disputesCard, petitionsCard, type ShownDispute } from "./petition-cards.ts";

export interface GuardiansPage {
  readonly path: string;
  readonly beside: Page["beside"];
  /** The patient that was looked up, and who acts for them. Undefined: nobody yet. */
  readonly found?:
    | { readonly patient: string; readonly guardians: readonly ShownDelegation[]; readonly requestId: string }
    | undefined;
  /** Whether the reader may lift a block. */
  readonly lifts: boolean;
  /** In place of forms that change something: what has to come first. */
  readonly first: Html | undefined;
  readonly done?: "guardianSent" | "decided" | "confirmed" | "refused" | undefined;
  /** Shown where nobody was found. Undefined: somebody was, and it was not read. */
  readonly waiting: Waiting | undefined;
  /** By which somebody asks to become a guardian of the patient that was looked up: just made. */
  readonly code?: string | undefined;
  readonly problem?: string | undefined;
  /** Which form was sent; a guardian's unless given. */
  readonly of?: "representative" | undefined;
  /** Of the form that has to be corrected. */
  readonly typed?: (name: string) => string | undefined;
}

/** What waits for who checks here. */
export interface Waiting {
  /** Of those who ask to become guardians. */
  readonly petitions: readonly ShownPetition[];
  /** Undefined: the reader is no privacy officer. */
  readonly disputes?: readonly ShownDispute[];
}

/** A patient's guardians, for those who check papers. A patient's number is never part of an address: so forms lead here. */
export function guardiansPage(view: View, page: GuardiansPage): Page {
  const { work, guardianship } = view.words;
  const { path, beside, found, first, done, problem, waiting } = page;
  const says = done === "confirmed" || done === "refused" ? guardianship[done] : done && work[done];
  const body = html`<h1>${work.guardiansTitle}</h1>
<p class="quiet">${work.guardiansLead}</p>
${says !== undefined && html`<div class="notice success" role="status"><p>${says}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<div class="card"><form class="stack" method="post" action="${path}">
${field({ name: "patient", label: work.patient, hint: work.patientHint, attributes: html`required maxlength="64" autocomplete="off" spellcheck="false" value="${found?.patient}"` })}
<button class="button ${found !== undefined && "second"}">${work.lookUp}</button>
</form></div>
${waiting && petitionsCard(view, path, { petitions: waiting.petitions, decides: first === undefined })}
${waiting?.disputes && disputesCard(view, path, waiting.disputes)}
${waiting && waiting.petitions.length > 0 && first !== undefined && html`<div class="card stack">${first}</div>`}
${found && listCard(view, page, found)}
${found && (first === undefined ? html`${bringInCard(view, path, { ...found, code: page.code })}${addCard(view, page, found)}${representativeCard(view, page, found)}` : html`<div class="card stack">${first}</div>`)}`;
  return { title: work.guardiansTitle, body, signedIn: true, ...(beside && { beside }) };
}

type Found = NonNullable<GuardiansPage["found"]>;

function listCard(view: View, page: GuardiansPage, { patient, guardians }: Found): Html {
  const { work } = view.words;
  return html`<section class="card stack" aria-labelledby="found"><h2 id="found">${work.guardiansOf(patient)}</h2>
${guardians.length === 0 ? html`<p>${work.guardiansNone}</p>` : html`<ul class="rows">${guardians.map((one) => row(view, page, patient, one))}</ul>`}
</section>`;
}

function row(view: View, page: GuardiansPage, patient: string, one: ShownDelegation): Html {
  const { work } = view.words;
  const decides =
    page.first === undefined && (page.lifts || (one.state !== "blocked" && !one.waitsForOfficer));
  return html`<li><div class="stack-close"><p><strong>${one.name}</strong> ${stateBadge(view, one)} ${one.kind === "representative" && badge("plain", view.words.deaths.representative)}<br>
<span class="quiet small">${[one.email, ...one.facts].join(" · ")}</span></p>
<p class="small letter">${one.grounds}</p>
${one.waitsForOfficer && !page.lifts && html`<p class="small">${view.words.guardianship.byOfficer}</p>`}
${decides && html`<details><summary aria-label="${work.decideNamed(one.name)}">${work.decide}</summary>${decideForm(view, page, patient, one)}</details>`}
</div></li>`;
}

/** What can be decided: who has not accepted yet can only be ended, and who was ended is let in again by who lifts blocks alone. */
function decideForm(
  { words }: View,
  { path, lifts }: GuardiansPage,
  patient: string,
  one: ShownDelegation,
): Html {
  const { work } = words;
  const accepted = one.account !== "";
  const states = [
    ...(accepted && (lifts || one.state !== "ended")
      ? [
          [Delegation_State.ACTIVE, work.states.active] as const,
          [Delegation_State.DISPUTED, work.states.disputed] as const,
        ]
      : []),
    ...(accepted ? [[Delegation_State.BLOCKED, work.states.blocked] as const] : []),
    [Delegation_State.ENDED, work.states.ended] as const,
  ];
  return html`<form class="stack" method="post" action="${path}/decide">${hidden("patient", patient)}${hidden("delegation", one.id)}
<div class="field"><label for="state-${one.id}">${work.newState}</label><select id="state-${one.id}" name="state">${states.map(
    ([state, label]) => html`<option value="${state}">${label}</option>`,
  )}</select></div>
${field({
  id: `reason-${one.id}`,
  name: "reason",
  label: work.reason,
  hint: work.reasonHint,
  attributes: html`required maxlength="1000" autocomplete="off"`,
})}
<p><button class="button second slim">${work.decideSave}</button></p></form>`;
}

function addCard(view: View, page: GuardiansPage, { patient, requestId }: Found): Html {
  const { work } = view.words;
  const typed = (name: string) => (page.of === undefined ? page.typed?.(name) : undefined) ?? "";
  const plain = (name: string, label: string, hint: string | undefined, more: Html) =>
    field({ name, label, hint, attributes: html`autocomplete="off" value="${typed(name)}" ${more}` });
  return html`<section class="card stack" aria-labelledby="add"><h2 id="add">${work.addGuardian}</h2>
<form class="stack" method="post" action="${page.path}/invite">${hidden("patient", patient)}${hidden("request", requestId)}
${plain("name", work.guardianName, undefined, html`required maxlength="200"`)}
${emailField(work.email, { value: typed("email"), own: false })}
${plain("grounds", work.grounds, work.groundsHint, html`required maxlength="1000"`)}
${plain("birth", work.birthDate, work.birthDateHint, html`type="date"`)}
${plain("end", work.groundsEnd, work.groundsEndHint, html`type="date"`)}
${languageField(view)}
<p><button class="button">${work.guardianSend}</button></p></form></section>`;
}

/** Who acts for a patient who died. Its fields have names of their own: two forms are on the page. */
function representativeCard(view: View, page: GuardiansPage, { patient, requestId }: Found): Html {
  const { work, deaths } = view.words;
  const typed = (name: string) => (page.of === "representative" ? page.typed?.(name) : undefined) ?? "";
  const line = (name: string, label: string, hint: string | undefined, more: Html) =>
    field({
      id: `rep-${name}`,
      name,
      label,
      hint,
      attributes: html`autocomplete="off" value="${typed(name)}" ${more}`,
    });
  return html`<section class="card stack" aria-labelledby="represent"><h2 id="represent">${deaths.addRepresentative}</h2>
<p class="quiet">${deaths.addRepresentativeLead}</p>
<form class="stack" method="post" action="${page.path}/represent">${hidden("patient", patient)}${hidden("request", `${requestId}-r`)}
${line("name", work.guardianName, undefined, html`required maxlength="200"`)}
${line("email", work.email, undefined, html`type="email" inputmode="email" required maxlength="254"`)}
${line("grounds", work.grounds, deaths.representativeGroundsHint, html`required maxlength="1000"`)}
<p><button class="button">${work.guardianSend}</button></p></form></section>`;
}
