import type { Organization } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { msOf } from "../account/account-view.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, field, hidden, notice } from "../parts.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";
import { emergencySwitch } from "./emergency-switch-page.ts";

export const organizationsPath = "/office/organizations";

/** Organizations: those that wait first. `next`: the token of the next page. */
export function organizationsPage(
  view: View,
  options: {
    readonly organizations: readonly Organization[];
    readonly next: string;
    readonly beside: Page["beside"];
    readonly done: "confirmed" | "unverified" | undefined;
  },
): Page {
  const { work } = view.words;
  const { organizations, next, beside, done } = options;
  const waiting = organizations.filter(({ verification }) => verification === undefined);
  const checked = organizations.filter(({ verification }) => verification !== undefined);
  const body = html`<h1>${work.organizationsTitle}</h1>
<p class="quiet">${work.organizationsLead}</p>
${done !== undefined && html`<div class="notice success" role="status"><p>${work[done]}</p></div>`}
<section class="card stack-close" aria-labelledby="waiting"><h2 id="waiting">${work.waiting}</h2>
${list(view, waiting, work.waitingNone)}</section>
<section class="card stack-close" aria-labelledby="checked"><h2 id="checked">${work.checked}</h2>
${list(view, checked, work.checkedNone)}</section>
${next !== "" && html`<p><a class="button second" href="${organizationsPath}?page=${encodeURIComponent(next)}">${work.more}</a></p>`}`;
  return { title: work.organizationsTitle, body, signedIn: true, ...(beside && { beside }) };
}

function list(view: View, organizations: readonly Organization[], none: string): Html {
  if (organizations.length === 0) return html`<p>${none}</p>`;
  return html`<ul class="rows">${organizations.map((one) => row(view, one))}</ul>`;
}

function row(view: View, one: Organization): Html {
  const { work, emergencyWork } = view.words;
  const { id, displayName, verification, createTime, state, emergencyAccessTime } = one;
  const facts =
    verification === undefined
      ? [work.registered(timeText(view, msOf(createTime)))]
      : [verification.legalName, verification.domain];
  const label = verification === undefined ? work.lookNamed(displayName) : work.detailsNamed(displayName);
  return html`<li><div><strong>${displayName}</strong> ${state === Organization_State.DISABLED && badge("warning", work.disabled)} ${emergencyAccessTime !== undefined && badge("plain", emergencyWork.switchTitle)}<br><span class="quiet small">${facts.join(" · ")}</span></div>
<a class="button second slim" href="${organizationsPath}/${id}" aria-label="${label}">${verification === undefined ? work.look : work.details}</a></li>`;
}

export interface OrganizationPage {
  readonly organization: Organization;
  readonly beside: Page["beside"];
  /** Whether the reader confirms who organizations are; others may only take it back. */
  readonly confirms: boolean;
  /** Whether the reader takes a confirmation back, and switches emergency access off. */
  readonly unverifies: boolean;
  /** In place of the form: what has to come first. */
  readonly first: Html | undefined;
  /** What was done about emergency access. */
  readonly done?: string | undefined;
  readonly wrong?:
    | {
        readonly text: string;
        readonly domain?: string | undefined;
        readonly typed: (name: string) => string | undefined;
      }
    | undefined;
}

/** One organization: what is known, and what the privacy officer confirms. */
export function organizationPage(view: View, page: OrganizationPage): Page {
  const { work, consent } = view.words;
  const { organization, confirms, unverifies, first, done, wrong, beside } = page;
  const { id, displayName, verification, createTime } = organization;
  const time = (one: Parameters<typeof msOf>[0]) => timeText(view, msOf(one));
  const body = html`<h1>${displayName}</h1>
${done !== undefined && html`<div class="notice success" role="status"><p>${done}</p></div>`}
<div class="card stack">
<p>${verification === undefined ? badge("warning", consent.unverified) : badge("success", consent.verified)}</p>
<dl class="facts"><dt>${work.number}</dt><dd><code>${id}</code></dd>
${
  verification &&
  html`<dt>${work.legalName}</dt><dd>${verification.legalName}</dd>
<dt>${work.domain}</dt><dd>${verification.domain}</dd>
<dt>${work.agreements}</dt><dd>${verification.agreements.join("; ")}</dd>
<dt>${work.verifiedAt}</dt><dd>${time(verification.verifyTime)}</dd>
<dt>${work.verifiedBy}</dt><dd><code>${verification.verifier}</code></dd>`
}
${verification === undefined && html`<dt>${work.registeredAt}</dt><dd>${time(createTime)}</dd>`}</dl>
</div>
${
  confirms &&
  html`<section class="card stack" aria-labelledby="check"><h2 id="check">${work.checkTitle}</h2><p>${work.checkLead}</p>
${wrong !== undefined && notice("danger", html`<p>${wrong.text}</p>`)}
${first ?? confirmForm(view, page)}</section>`
}
${
  unverifies &&
  verification !== undefined &&
  html`<section class="card danger stack" aria-labelledby="unverify"><h2 id="unverify">${work.unverify}</h2><p>${work.unverifyLead}</p>
<form method="post" action="${organizationsPath}/${id}/unverify">${hidden("etag", organization.etag)}<button class="button danger">${work.unverify}</button></form></section>`
}
${unverifies && emergencySwitch(view, { organization, path: `${organizationsPath}/${id}`, officer: confirms, first })}
<p><a href="${organizationsPath}">${work.back}</a></p>`;
  return { title: displayName, body, signedIn: true, ...(beside && { beside }) };
}

function confirmForm({ words }: View, { organization, wrong }: OrganizationPage): Html {
  const { work } = words;
  const { id, etag, verification } = organization;
  const value = (name: "legal" | "domain" | "agreements") =>
    wrong?.typed(name) ??
    {
      legal: verification?.legalName,
      domain: verification?.domain,
      agreements: verification?.agreements.join("\n"),
    }[name];
  return html`<form class="stack" method="post" action="${organizationsPath}/${id}">${hidden("etag", etag)}
${field({ name: "legal", label: work.legalName, hint: work.legalNameHint, attributes: html`required maxlength="200" autocomplete="off" value="${value("legal")}"` })}
${field({ name: "domain", label: work.domain, hint: work.domainHint, wrong: wrong?.domain, attributes: html`required maxlength="253" autocomplete="off" autocapitalize="none" spellcheck="false" value="${value("domain")}"` })}
<div class="field"><label for="agreements">${work.agreements}</label><p class="hint" id="agreements-hint">${work.agreementsHint}</p>
<textarea id="agreements" name="agreements" rows="3" required maxlength="3300" aria-describedby="agreements-hint">${value("agreements")}</textarea></div>
<button class="button wide">${verification === undefined ? work.confirm : work.confirmAgain}</button>
</form>`;
}
