import type { ShownEmergency } from "../emergency/emergency-view.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, hidden, notice } from "../parts.ts";
import type { View } from "../view.ts";
import { organizationsPath } from "./organization-pages.ts";

export const emergenciesPath = "/office/emergencies";

/** Emergency accesses of the installation, for the privacy officer: newest first, and nothing of anybody's health. */
export function emergenciesPage(
  view: View,
  options: {
    readonly accesses: readonly ShownEmergency[];
    /** The token of the next page; empty at the end. */
    readonly next: string;
    readonly beside: Page["beside"];
    readonly ended: boolean;
    readonly problem?: string | undefined;
  },
): Page {
  const { emergencyWork: words } = view.words;
  const { accesses, next, beside, ended, problem } = options;
  const body = html`<h1>${words.office}</h1>
<p class="quiet">${words.officeLead}</p>
${ended && html`<div class="notice success" role="status"><p>${words.ended}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<section class="card stack-close" aria-label="${words.office}">${
    accesses.length === 0
      ? html`<p>${words.none}</p>`
      : html`<ul class="rows">${accesses.map((one) => row(view, one))}</ul>`
  }</section>
${next !== "" && html`<p><a class="button second" href="${emergenciesPath}?page=${encodeURIComponent(next)}">${words.more}</a></p>`}`;
  return { title: words.office, body, signedIn: true, ...(beside && { beside }) };
}

function row({ words: { emergencyWork: words } }: View, one: ShownEmergency): Html {
  const { id, patient, organization, organizationId, clinician, opened, state, until } = one;
  const states = { open: words.openUntil, ended: words.endedAt, expired: words.over } as const;
  const open = state === "open";
  return html`<li><div><a href="${organizationsPath}/${organizationId}"><strong>${organization}</strong></a>, ${opened} ${open && badge("warning", states[state](until))}<br>
<span class="quiet small">${words.person} <code>${clinician}</code> · ${words.patient} <code>${patient}</code>${!open && html` · ${states[state](until)}`}</span></div>
${open && html`<form method="post" action="${emergenciesPath}/end">${hidden("access", id)}<button class="button danger slim" aria-label="${words.endNamed(patient)}">${words.end}</button></form>`}</li>`;
}
