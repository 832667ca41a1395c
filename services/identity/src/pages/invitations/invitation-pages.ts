import type { GetInvitationResponse } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { msOf } from "../account/account-view.ts";
import { withContinuation } from "../continuation.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, field, notice } from "../parts.ts";
import { roleName } from "../roles.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";

/** Takes the code, which is in the link after the sign #, or is typed. */
export function invitationCodePage(view: View, wrong?: string): Page {
  const { invitation } = view.words;
  const body = html`<h1>${invitation.title}</h1>
<div class="card"><form class="stack" method="post" action="/invitations">
${field({
  name: "invitation",
  label: invitation.code,
  hint: invitation.codeHint,
  wrong,
  attributes: html`required maxlength="64" autocomplete="off" spellcheck="false" data-from-hash`,
})}
<button class="button wide">${invitation.look}</button>
</form></div>`;
  return { title: invitation.title, body, script: true };
}

export const offerPath = "/invitations/offer";

/** What is offered, and by whom; accepted by who is signed in. */
export function offerPage(
  view: View,
  options: { offer: GetInvitationResponse; signedIn: boolean; problem?: string | undefined },
): Page {
  const { words, language } = view;
  const { invitation } = words;
  const { offer, signedIn, problem } = options;
  const staff = offer.organization === "";
  const title = staff ? invitation.leadStaff : invitation.lead(offer.organizationName);
  const body = html`<div class="card stack">
<h1>${title}</h1>
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
${!staff && verification(view, offer.verified)}
<div class="stack-close"><h2>${invitation.roles}</h2><ul>${offer.roles.map((role) => html`<li>${roleName(words, role)}</li>`)}</ul></div>
<p class="quiet small">${invitation.until(timeText(language, msOf(offer.expireTime)))} ${invitation.passkeyNeeded}</p>
${
  signedIn
    ? html`<form method="post" action="/invitations/accept"><button class="button wide">${invitation.accept}</button></form>`
    : html`<p><a class="button wide" href="${withContinuation("/sign-in", offerPath)}">${words.signIn.title}</a></p>
<p><a class="button second wide" href="${withContinuation("/register", offerPath)}">${words.signIn.create}</a></p>`
}
</div>`;
  return { title, body, signedIn };
}

function verification({ words }: View, verified: boolean): Html {
  const { consent } = words;
  return verified
    ? html`<p>${badge("success", consent.verified)} <span class="quiet small">${consent.verifiedLead}</span></p>`
    : html`<p>${badge("warning", consent.unverified)}</p>${notice("warning", html`<p>${consent.unverifiedLead}</p>`)}`;
}
