import { petitionBadge, type ShownPetition } from "../guardianships/petition-view.ts";
import { type Html, html } from "../html.ts";
import { languages, ownNames } from "../language.ts";
import type { Page } from "../page.ts";
import { badge, emailField, field, hidden, notice } from "../parts.ts";
import type { RecordOption } from "../record/reader.ts";
import { recordField, recordPage } from "../record/record-parts.ts";
import type { View } from "../view.ts";
import { isCurrent, type ShownDelegation } from "./people-view.ts";

export interface PeoplePage {
  readonly record: RecordOption;
  readonly delegations: readonly ShownDelegation[];
  /** The reader's account. */
  readonly account: string;
  /** Names of the organizations that checked somebody, by their ids. */
  readonly checkers: ReadonlyMap<string, string>;
  /** Of those who ask to become guardians. */
  readonly petitions: readonly ShownPetition[];
  readonly done: "sent" | "ended" | "disputed" | undefined;
  readonly problem?: string | undefined;
}

export const peoplePath = "/account/people";
export const guardianCodePath = `${peoplePath}/guardian-code`;

/** Who may act in the record's name, and how to take it back. */
export function peoplePage(view: View, page: PeoplePage): Page {
  const { people, guardianship } = view.words;
  const { record, delegations, petitions, done, problem } = page;
  const says = done === "disputed" ? guardianship.disputed : done && people[done];
  const title = record.as === "self" ? people.title : people.titleOf(record.name);
  const of = (kind: ShownDelegation["kind"]) =>
    delegations.filter((one) => one.kind === kind && isCurrent(one));
  const earlier = delegations.filter((one) => !isCurrent(one));
  const guardians = of("guardian");
  const representatives = of("representative");
  const carers = of("carer");
  const body = html`<h1>${title}</h1>
<p class="quiet">${people.lead}</p>
${says !== undefined && html`<div class="notice success" role="status"><p>${says}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<section class="card stack" aria-labelledby="carers"><h2 id="carers">${people.carers}</h2>
<p class="quiet small">${people.carersMay}</p>
${carers.length === 0 ? html`<p>${people.carersNone}</p>` : rows(view, page, carers)}
${mayBringIn(record) && html`<p><a class="button" href="${peoplePath}/invite">${people.invite}</a></p>`}
</section>
${
  guardians.length > 0 &&
  html`<section class="card stack" aria-labelledby="guardians"><h2 id="guardians">${people.guardians}</h2>
<p class="quiet small">${people.guardiansLead}</p>
${rows(view, page, guardians)}</section>`
}
${petitions.length > 0 && petitionsCard(view, petitions)}
${
  mayBringIn(record) &&
  html`<section class="card stack" aria-labelledby="bring-in"><h2 id="bring-in">${guardianship.bringIn}</h2>
<p class="quiet small">${guardianship.bringInLead}</p>
<p><a class="button second" href="${guardianCodePath}">${guardianship.makeCode}</a></p></section>`
}
${
  representatives.length > 0 &&
  html`<section class="card stack" aria-labelledby="representatives"><h2 id="representatives">${people.representatives}</h2>
<p class="quiet small">${people.representativesLead}</p>
${rows(view, page, representatives)}</section>`
}
${
  earlier.length > 0 &&
  html`<section class="card"><details><summary>${people.earlier}</summary>${rows(view, page, earlier)}</details></section>`
}`;
  return recordPage(view, record, { title, body });
}

function rows(view: View, page: PeoplePage, delegations: readonly ShownDelegation[]): Html {
  return html`<ul class="rows">${delegations.map((one) => row(view, page, one))}</ul>`;
}

function row(view: View, page: PeoplePage, one: ShownDelegation): Html {
  const { people } = view.words;
  const own = one.account !== "" && one.account === page.account;
  const checker = one.organization === "" ? people.officer : page.checkers.get(one.organization);
  const checked = one.kind !== "carer" && people.checkedBy(checker ?? one.organization);
  return html`<li><div><strong>${one.name}</strong> ${stateBadge(view, one)} ${own && badge("plain", people.you)}<br>
<span class="quiet small">${[one.email, ...one.facts, checked].filter(Boolean).join(" · ")}</span></div>
${action(view, page, one, own)}</li>`;
}

export function stateBadge({ words }: View, { state }: ShownDelegation): Html {
  const tone =
    state === "active"
      ? "success"
      : ["disputed", "blocked", "unconfirmed"].includes(state)
        ? "warning"
        : "plain";
  return badge(tone, words.people.states[state]);
}

function action(
  { words }: View,
  { record }: PeoplePage,
  one: ShownDelegation,
  own: boolean,
): Html | undefined {
  const { people } = words;
  if (own && one.state === "active") {
    return html`<form class="stack-close" method="post" action="${peoplePath}/give-up">${recordField(record)}${hidden("delegation", one.id)}
<p class="quiet small">${people.giveUpLead}</p><button class="button danger slim">${people.giveUp}</button></form>`;
  }
  if (!mayBringIn(record) || !isCurrent(one)) return undefined;
  if (one.kind === "guardian" && one.account !== "" && one.state === "active")
    return disputeForm(words, record, one);
  if (one.kind !== "carer") return undefined;
  const offered = one.state === "offered";
  const label = offered ? people.withdrawNamed(one.name) : people.endNamed(one.name);
  return html`<form method="post" action="${peoplePath}/end">${recordField(record)}${hidden("delegation", one.id)}<button class="button danger slim" aria-label="${label}">${offered ? people.withdraw : people.end}</button></form>`;
}

function disputeForm({ guardianship }: View["words"], record: RecordOption, one: ShownDelegation): Html {
  return html`<details><summary aria-label="${guardianship.disputeNamed(one.name)}">${guardianship.dispute}</summary>
<form class="stack" method="post" action="${peoplePath}/dispute">${recordField(record)}${hidden("delegation", one.id)}
<p class="small">${guardianship.disputeLead}</p>
${field({
  id: `dispute-${one.id}`,
  name: "reason",
  label: guardianship.disputeReason,
  hint: guardianship.disputeReasonHint,
  attributes: html`required maxlength="1000" autocomplete="off"`,
})}
<p><button class="button danger slim">${guardianship.disputeSend}</button></p></form></details>`;
}

function petitionsCard(view: View, petitions: readonly ShownPetition[]): Html {
  const { guardianship } = view.words;
  return html`<section class="card stack" aria-labelledby="petitions"><h2 id="petitions">${guardianship.aboutYou}</h2>
<p class="quiet small">${guardianship.aboutYouLead}</p>
<ul class="rows">${petitions.map(
    (one) => html`<li><div><strong>${one.name}</strong> ${petitionBadge(view, one)}<br>
<span class="quiet small">${[one.email, ...one.facts].join(" · ")}</span></div></li>`,
  )}</ul></section>`;
}

/** Carers and representatives bring in nobody, and dispute nobody. */
export function mayBringIn({ as }: RecordOption): boolean {
  return as === "self" || as === "guardian";
}

/** A code by which somebody asks to become a guardian. `code`: the answer of the form, the only place that shows it. */
export function bringInPage(
  view: View,
  options: {
    readonly record: RecordOption;
    readonly requestId: string;
    readonly code?: string | undefined;
    readonly problem?: string | undefined;
    /** In place of the form: what has to come first. */
    readonly first?: Html | undefined;
  },
): Page {
  const { guardianship: words, common } = view.words;
  const { record, requestId, code, problem, first } = options;
  const form = html`<form class="stack" method="post" action="${guardianCodePath}">${recordField(record)}${hidden("request", requestId)}
<p class="actions"><button class="button">${words.makeCode}</button> <a class="button second" href="${peoplePath}">${common.cancel}</a></p></form>`;
  const body = html`<h1>${words.bringIn}</h1>
<div class="card stack"><p>${words.bringInLead}</p>
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
${code === undefined ? (first ?? form) : html`${shownCode(view, code)}<p><a class="button second" href="${peoplePath}">${common.back}</a></p>`}
</div>`;
  return recordPage(view, record, { title: words.bringIn, body });
}

export function shownCode({ words: { guardianship } }: View, code: string): Html {
  return html`<p>${guardianship.codeShownLead}</p><p class="notice success"><strong class="letter">${code}</strong></p>`;
}

export interface InviteForm {
  readonly record: RecordOption;
  /** The same again sends the same invitation again. */
  readonly requestId: string;
  readonly wrong?: { readonly text: string; readonly name: string; readonly email: string } | undefined;
  /** In place of the form: what has to come first. */
  readonly first?: Html | undefined;
}

export function invitePage(view: View, { record, requestId, wrong, first }: InviteForm): Page {
  const { people, common } = view.words;
  const body = html`<h1>${people.inviteTitle}</h1>
<div class="card stack">
<p>${people.inviteLead}</p>
${wrong !== undefined && notice("danger", html`<p>${wrong.text}</p>`)}
${
  first ??
  html`<form class="stack" method="post" action="${peoplePath}/invite">
${recordField(record)}${hidden("request", requestId)}
${field({ name: "name", label: people.name, hint: people.nameHint, attributes: html`required maxlength="200" autocomplete="off" value="${wrong?.name}"` })}
${emailField(people.email, { value: wrong?.email ?? "", own: false })}
${languageField(view)}
<p class="actions"><button class="button">${people.send}</button> <a class="button second" href="${peoplePath}">${common.cancel}</a></p>
</form>`
}
</div>`;
  return recordPage(view, record, { title: people.inviteTitle, body });
}

export function languageField({ words, language }: View): Html {
  return html`<div class="field"><label for="mail-language">${words.people.mailLanguage}</label><select id="mail-language" name="language">
${languages.map((one) => html`<option value="${one}"${one === language && html` selected`}>${ownNames[one]}</option>`)}
</select></div>`;
}
