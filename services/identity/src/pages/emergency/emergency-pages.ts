import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { hidden, notice } from "../parts.ts";
import type { RecordOption } from "../record/reader.ts";
import { recordField, recordPage } from "../record/record-parts.ts";
import type { View } from "../view.ts";
import type { ShownEmergency } from "./emergency-view.ts";

export const emergencyPath = "/account/emergency";

export interface ShownEmergencies {
  readonly record: RecordOption;
  /** Since when it is refused. */
  readonly refused: string | undefined;
  /** When the code was made. */
  readonly code: string | undefined;
  readonly accesses: readonly ShownEmergency[];
  readonly saved: boolean;
  readonly problem?: string | undefined;
}

export function emergencyPage(view: View, shown: ShownEmergencies): Page {
  const { emergency: words } = view.words;
  const { record, accesses, saved, problem } = shown;
  const title = record.as === "self" ? words.title : words.titleOf(record.name);
  const body = html`<h1>${title}</h1>
<p class="quiet">${words.lead}</p>
${saved && html`<div class="notice success" role="status"><p>${words.saved}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<h2>${words.accesses}</h2>
${accesses.length === 0 && html`<p>${words.accessesNone}</p>`}
${accesses.map((one) => card(view, record, one))}
${codeSection(view, shown)}
${refusalSection(view, shown)}`;
  return recordPage(view, record, { title, body });
}

/** The answer of the form that makes a code: the only place that shows it. */
export function emergencyCodePage(view: View, record: RecordOption, code: string): Page {
  const { emergency: words } = view.words;
  const body = html`<h1>${words.codeShown}</h1>
<p>${words.codeShownLead}</p>
<p class="notice success"><strong>${code}</strong></p>
<p class="quiet">${words.codeLead}</p>
<p><a href="${emergencyPath}">${words.back}</a></p>`;
  return recordPage(view, record, { title: words.codeShown, body });
}

function codeSection({ words: { emergency: words } }: View, { record, code }: ShownEmergencies): Html {
  const there = code !== undefined;
  return html`<section class="card stack">
<h2>${words.code}</h2>
<p>${words.codeLead}</p>
<p class="quiet">${there ? words.codeSince(code) : words.codeNone} ${there && words.codeReplaceHint}</p>
<form method="post" action="${emergencyPath}/code">${recordField(record)}<button class="button slim">${there ? words.codeReplace : words.codeMake}</button></form>
${there && html`<form method="post" action="${emergencyPath}/code/withdraw">${recordField(record)}<button class="button danger slim">${words.codeWithdraw}</button></form>`}
</section>`;
}

function refusalSection({ words: { emergency: words } }: View, { record, refused }: ShownEmergencies): Html {
  const no = refused !== undefined;
  const action = `${emergencyPath}/${no ? "allow" : "refuse"}`;
  return html`<section class="card stack">
<h2>${words.refusal}</h2>
<p><strong>${no ? words.refused(refused) : words.allowed}</strong></p>
<p class="quiet">${words.refusalLead}</p>
<form method="post" action="${action}">${recordField(record)}<button class="${no ? "button slim" : "button danger slim"}">${no ? words.allow : words.refuse}</button></form>
</section>`;
}

function card({ words: { emergency: words } }: View, record: RecordOption, one: ShownEmergency): Html {
  const { id, organization, clinician, reason, byCode, opened, state, until } = one;
  const states = { open: words.openUntil, ended: words.endedAt, expired: words.expired } as const;
  return html`<section class="card stack">
<h3>${words.opened(organization, opened)}</h3>
<p>${words.reason}: ${reason}</p>
<p class="quiet small">${words.who} ${clinician} · ${byCode ? words.byCode : words.byKnown} · ${states[state](until)}</p>
${state === "open" && html`<form method="post" action="${emergencyPath}/end">${recordField(record)}${hidden("access", id)}<button class="button danger slim" aria-label="${words.endNamed(organization)}">${words.end}</button></form>`}
</section>`;
}
