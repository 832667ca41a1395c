import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, hidden, notice } from "../parts.ts";
import type { RecordOption } from "../record/reader.ts";
import { recordField, recordPage } from "../record/record-parts.ts";
import type { View } from "../view.ts";

export interface ShownApp {
  /** Of the grant that it stands on. */
  readonly id: string;
  readonly name: string;
  /** Empty: the installation's own program. */
  readonly organization: string;
  readonly verified: boolean;
  /** The patient's own choice, which no organization answers for. */
  readonly ownChoice: boolean;
  readonly since: string;
  readonly until: string;
}

export const appsPath = "/account/apps";

export interface AppsPage {
  readonly record: RecordOption | undefined;
  /** Connected to the record. */
  readonly connected: readonly ShownApp[];
  /** Of the reader's own account, where it is not somebody else's record that is open. */
  readonly own: readonly ShownApp[];
  readonly stopped: boolean;
  readonly problem?: string | undefined;
}

/** What is connected, since when, and how to stop it. */
export function appsPage(view: View, page: AppsPage): Page {
  const { apps } = view.words;
  const { record, connected, own, stopped, problem } = page;
  const title = record === undefined || record.as === "self" ? apps.title : apps.titleOf(record.name);
  const body = html`<h1>${title}</h1>
<p class="quiet">${apps.lead}</p>
${stopped && html`<div class="notice success" role="status"><p>${apps.stopped}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<div class="card">${connected.length === 0 ? html`<p>${apps.none}</p>` : rows(view, connected, record)}</div>
${
  own.length > 0 &&
  html`<section class="card stack" aria-labelledby="own"><h2 id="own">${apps.ownTitle}</h2><p class="quiet small">${apps.ownLead}</p>${rows(view, own, undefined)}</section>`
}`;
  if (record === undefined) return { title, body, signedIn: true };
  return recordPage(view, record, { title, body });
}

function rows(view: View, apps: readonly ShownApp[], record: RecordOption | undefined): Html {
  return html`<ul class="rows">${apps.map((one) => row(view, one, record))}</ul>`;
}

function row({ words }: View, app: ShownApp, record: RecordOption | undefined): Html {
  const { apps, consent } = words;
  const { id, name, organization, verified, ownChoice, since, until } = app;
  const facts = [organization !== "" && apps.by(organization), apps.since(since), apps.until(until)];
  return html`<li><div><strong>${name}</strong> ${organization !== "" && (verified ? badge("success", consent.verified) : badge("warning", consent.unverified))}<br>
<span class="quiet small">${facts.filter(Boolean).join(" · ")}</span>${ownChoice && html`<br><span class="small">${apps.ownApp}</span>`}</div>
<form method="post" action="${appsPath}/stop">${record && recordField(record)}${hidden("app", id)}<button class="button danger slim" aria-label="${apps.stopNamed(name)}">${apps.stop}</button></form></li>`;
}
