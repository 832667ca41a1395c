import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, field, hidden, notice } from "../parts.ts";
import type { View } from "../view.ts";

export type ShownState = keyof View["words"]["deaths"]["states"];

/** A report, in the reader's language. */
export interface ShownReport {
  readonly id: string;
  readonly patient: string;
  /** Who made it; empty: a privacy officer. */
  readonly organization: string;
  readonly dateOfDeath: string;
  readonly grounds: string;
  /** What privacy officers wrote down. */
  readonly note: string;
  readonly state: ShownState;
  readonly reported: string;
  /** When it came into its state; undefined: it waits. */
  readonly decided: string | undefined;
}

export interface DeathsPage {
  readonly path: string;
  readonly beside: Page["beside"];
  readonly reports: readonly ShownReport[];
  /** The token of the next page; empty at the end. */
  readonly next: string;
  /** Whether the reader is a privacy officer, who decides. */
  readonly decides: boolean;
  /** In place of the forms that decide: what has to come first. */
  readonly first: Html | undefined;
  readonly requestId: string;
  readonly done?: "reported" | "decided" | undefined;
  readonly problem?: string | undefined;
  /** Of the form that has to be corrected. */
  readonly typed?: (name: string) => string | undefined;
}

/** Deaths of patients: who reported which, a form to report one, and, for the privacy officer, what is decided. */
export function deathsPage(view: View, page: DeathsPage): Page {
  const { deaths } = view.words;
  const { path, beside, reports, next, decides, first, done, problem } = page;
  const waits = reports.some(({ state }) => state === "reported" || state === "confirmed");
  const body = html`<h1>${deaths.title}</h1>
<p class="quiet">${decides ? deaths.leadOffice : deaths.lead}</p>
${done !== undefined && html`<div class="notice success" role="status"><p>${deaths[done]}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<section class="card stack" aria-labelledby="reports"><h2 id="reports">${deaths.reports}</h2>
${decides && waits && first !== undefined && html`<div class="stack">${first}</div>`}
${
  reports.length === 0
    ? html`<p>${deaths.none}</p>`
    : html`<ul class="rows">${reports.map((one) => row(view, page, one))}</ul>`
}</section>
${next !== "" && html`<p><a class="button second" href="${path}?page=${encodeURIComponent(next)}">${deaths.more}</a></p>`}
${reportCard(view, page)}`;
  return { title: deaths.title, body, signedIn: true, ...(beside && { beside }) };
}

function row(view: View, page: DeathsPage, one: ShownReport): Html {
  const { deaths } = view.words;
  const by = one.organization === "" ? deaths.officer : one.organization;
  const facts = [
    one.dateOfDeath !== "" && deaths.died(one.dateOfDeath),
    deaths.by(by, one.reported),
    one.decided !== undefined && deaths.since(one.decided),
  ];
  const tone = one.state === "reported" ? "warning" : one.state === "confirmed" ? "success" : "plain";
  const open = one.state === "reported" || one.state === "confirmed";
  return html`<li><div class="stack-close"><p><strong><code>${one.patient}</code></strong> ${badge(tone, deaths.states[one.state])}<br>
<span class="quiet small">${facts.filter(Boolean).join(" · ")}</span></p>
<p class="small letter">${one.grounds}</p>
${one.note !== "" && html`<p class="small letter">${deaths.noted(one.note)}</p>`}
${page.decides && open && page.first === undefined && html`<details><summary aria-label="${deaths.decideNamed(one.patient)}">${deaths.decide}</summary>${decideForm(view, page.path, one)}</details>`}
</div></li>`;
}

/** A report that waits is confirmed or dismissed; a confirmed one is undone. */
function decideForm({ words }: View, path: string, one: ShownReport): Html {
  const { deaths } = words;
  const waits = one.state === "reported";
  return html`<form class="stack" method="post" action="${path}/decide">${hidden("report", one.id)}
<p class="quiet">${waits ? deaths.confirmLead : deaths.undoLead}</p>
${field({
  id: `note-${one.id}`,
  name: "note",
  label: waits ? deaths.note : deaths.undoNote,
  hint: deaths.noteHint,
  attributes: html`required maxlength="1000" autocomplete="off"`,
})}
<p class="actions">${
    waits
      ? html`<button class="button danger" name="to" value="confirm">${deaths.confirm}</button> <button class="button second" name="to" value="dismiss">${deaths.dismiss}</button>`
      : html`<button class="button" name="to" value="undo">${deaths.undo}</button>`
  }</p></form>`;
}

function reportCard({ words }: View, page: DeathsPage): Html {
  const { deaths, work } = words;
  const typed = (name: string) => page.typed?.(name) ?? "";
  const plain = (name: string, label: string, hint: string, more: Html) =>
    field({ name, label, hint, attributes: html`autocomplete="off" value="${typed(name)}" ${more}` });
  return html`<section class="card stack" aria-labelledby="report"><h2 id="report">${deaths.report}</h2>
<p class="quiet">${deaths.reportLead}</p>
<form class="stack" method="post" action="${page.path}/report">${hidden("request", page.requestId)}
${plain("patient", work.patient, work.patientHint, html`required maxlength="64" spellcheck="false"`)}
${plain("date", deaths.date, deaths.dateHint, html`type="date" required`)}
${plain("grounds", deaths.grounds, deaths.groundsHint, html`required maxlength="1000"`)}
<p><button class="button">${deaths.send}</button></p></form></section>`;
}
