import type { Organization } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { msOf } from "../account/account-view.ts";
import { type Html, html } from "../html.ts";
import { hidden } from "../parts.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";

export interface EmergencySwitch {
  readonly organization: Organization;
  /** Of the organization's page. */
  readonly path: string;
  /** Whether the reader switches it on, and ends what is open: a privacy officer. Others may only switch it off. */
  readonly officer: boolean;
  /** In place of what needs it: what has to come first. */
  readonly first: Html | undefined;
}

/** On the page of an organization: whether its clinicians may open emergency access. */
export function emergencySwitch(view: View, { organization, path, officer, first }: EmergencySwitch): Html {
  const { emergencyWork: words } = view.words;
  const { etag, verification, emergencyAccessTime: since } = organization;
  const on = since !== undefined;
  const form = (name: string, label: string, tone = "danger") =>
    html`<form method="post" action="${path}/emergency/${name}">${hidden("etag", etag)}<button class="button ${tone} slim">${label}</button></form>`;
  return html`<section class="card stack" aria-labelledby="emergency"><h2 id="emergency">${words.switchTitle}</h2>
<p class="quiet">${words.switchLead}</p>
<p><strong>${on ? words.isOn(timeText(view, msOf(since))) : words.isOff}</strong></p>
${on && html`<p class="quiet">${words.switchOffLead}</p>${form("off", words.switchOff)}`}
${officer && form("end", on ? words.switchOffAndEnd : words.endOpen)}
${officer && !on && (verification === undefined ? html`<p>${words.afterCheck}</p>` : (first ?? form("on", words.switchOn, "second")))}
</section>`;
}
